"""The live feed: who sees what, in which order, from where on, and for how long."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from chassis.core import new_id
from chassis.testing.tokens import TestKeys, a_caller
from chassis.testing.waiting import eventually
from gateway.feed import events, listener, recent
from gateway.feed.positions import Position, partition_of

from ..feed_stage import Frame, Publisher, a_message, an_organisation, listening
from ..raw import Connection
from ..stage import Replica


async def test_an_event_arrives_with_all_about_it(gateway_on_kafka: Replica, publisher: Publisher) -> None:
    caller = a_caller()
    async with listening(gateway_on_kafka.http, gateway_on_kafka.keys, caller) as stream:
        hello = await stream.frame()
        assert hello is not None
        assert hello.kind is None
        event_id = await publisher.publish(an_organisation(caller.org_id), org_id=caller.org_id, key=caller.org_id)
        frame = await stream.event()
    assert frame.kind == "auth.organisation-created"
    assert set(frame.data) == {
        "id", "kind", "version", "subject", "sequence", "time", "actor", "correlation_id", "data",
    }  # fmt: skip
    assert (frame.data["id"], frame.data["sequence"]) == (str(event_id), 1)
    assert (frame.data["subject"], frame.data["version"]) == (str(caller.org_id), 1)
    assert frame.data["time"].endswith("Z")
    assert frame.data["data"]["name"] == "Acme"
    assert frame.id is not None
    position = Position.parse(frame.id)
    assert position is not None
    assert position.partition == partition_of(caller.org_id)


async def test_no_organisation_sees_another(gateway_on_kafka: Replica, publisher: Publisher) -> None:
    ours, theirs = a_caller(), a_caller()
    async with listening(gateway_on_kafka.http, gateway_on_kafka.keys, ours) as stream:
        await stream.frame()
        for _ in range(20):
            await publisher.publish(an_organisation(theirs.org_id, "theirs"), org_id=theirs.org_id)
        await publisher.publish(an_organisation(ours.org_id, "ours"), org_id=ours.org_id)
        assert (await stream.event()).data["data"]["name"] == "ours"


async def test_organisations_on_one_partition_see_only_their_own(
    gateway_on_kafka: Replica, publisher: Publisher
) -> None:
    ours = a_caller()
    neighbour = next(org for org in iter(new_id, None) if partition_of(org) == partition_of(ours.org_id))
    async with listening(gateway_on_kafka.http, gateway_on_kafka.keys, ours) as stream:
        hello = await stream.frame()
        await publisher.publish(an_organisation(neighbour, "theirs"), org_id=neighbour)
        await publisher.publish(an_organisation(ours.org_id, "ours"), org_id=ours.org_id)
        live = await stream.event()
    assert live.data["data"]["name"] == "ours"
    assert hello is not None
    async with listening(gateway_on_kafka.http, gateway_on_kafka.keys, ours, since=hello.id) as stream:
        assert (await stream.event()).id == live.id


async def test_what_is_for_some_members_is_for_them_only(gateway_on_kafka: Replica, publisher: Publisher) -> None:
    org_id = new_id()
    inside, outside = a_caller(org_id=org_id), a_caller(org_id=org_id)
    elsewhere = a_caller(user_id=inside.user_id)
    message = a_message(new_id(), inside.user_id, text="between us")
    async with (
        listening(gateway_on_kafka.http, gateway_on_kafka.keys, inside) as one,
        listening(gateway_on_kafka.http, gateway_on_kafka.keys, outside) as other,
        listening(gateway_on_kafka.http, gateway_on_kafka.keys, elsewhere) as third,
    ):
        hellos = [await stream.frame() for stream in (one, other, third)]
        await publisher.publish(message, org_id=org_id)
        for caller in (inside, elsewhere):
            await publisher.publish(an_organisation(caller.org_id), org_id=caller.org_id)
        seen = by_kind(await one.events(2))
        assert seen["chats.message-sent"].data["data"]["text"] == "between us"
        assert (await other.event()).kind == "auth.organisation-created"
        assert (await third.event()).kind == "auth.organisation-created"
    since = hellos[1].id if hellos[1] else None
    async with listening(gateway_on_kafka.http, gateway_on_kafka.keys, outside, since=since) as resumed:
        assert (await resumed.event()).kind == "auth.organisation-created"


async def test_a_client_gets_the_kinds_it_asked_for(gateway_on_kafka: Replica, publisher: Publisher) -> None:
    caller = a_caller()
    http, keys = gateway_on_kafka.http, gateway_on_kafka.keys
    async with (
        listening(http, keys, caller, types="chats.*") as chats,
        listening(http, keys, caller, types="modules.module-created, auth.organisation-created") as named,
    ):
        await chats.frame()
        await named.frame()
        await publisher.publish(an_organisation(caller.org_id), org_id=caller.org_id)
        await publisher.publish(a_message(new_id(), caller.user_id), org_id=caller.org_id)
        await publisher.publish(an_organisation(caller.org_id, "second"), org_id=caller.org_id)
        assert (await chats.event()).kind == "chats.message-sent"
        assert {event.data["data"]["name"] for event in await named.events(2)} == {"Acme", "second"}


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("types=chats.message-snt", "unknown-kind"),
        ("types=nothing.*", "unknown-kind"),
        ("types=", "unknown-kind"),
        ("types=*", "unknown-kind"),
        ("token=abc", "unknown"),
        ("types=" + ",".join(["chats.*"] * 51), "too-many"),
    ],
)
async def test_a_query_that_means_nothing_is_refused(query: str, rule: str, gateway_on_kafka: Replica) -> None:
    headers = gateway_on_kafka.keys.headers(a_caller())
    found = await gateway_on_kafka.http.get(f"/api/v1/events?{query}", headers=headers)
    assert (found.status_code, found.json()["errors"][0]["rule"]) == (422, rule)
    assert found.json()["errors"][0]["pointer"] == f"?{query.partition('=')[0]}"


async def test_nobody_without_a_token_listens(gateway_on_kafka: Replica) -> None:
    assert (await gateway_on_kafka.http.get("/api/v1/events")).status_code == 401
    stranger = TestKeys().headers(a_caller())
    assert (await gateway_on_kafka.http.get("/api/v1/events", headers=stranger)).status_code == 401


async def test_a_line_break_in_the_data_forges_nothing(gateway_on_kafka: Replica, publisher: Publisher) -> None:
    caller = a_caller()
    text = 'x\n\nid: 1\nevent: forged\ndata: {"kind":"forged"}\r\n\r\u2028\u0085y'
    async with listening(gateway_on_kafka.http, gateway_on_kafka.keys, caller) as stream:
        await stream.frame()
        await publisher.publish(a_message(new_id(), caller.user_id, text=text), org_id=caller.org_id)
        await publisher.publish(an_organisation(caller.org_id), org_id=caller.org_id)
        seen = by_kind(await stream.events(2))
    assert seen["chats.message-sent"].data["data"]["text"] == text
    assert "auth.organisation-created" in seen


def by_kind(events: list[Frame]) -> dict[str | None, Frame]:
    """Events of different objects, which come in any order."""
    return {event.kind: event for event in events}


async def publish_many(publisher: Publisher, org_id: UUID, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        await publisher.publish(an_organisation(org_id, str(number)), org_id=org_id, key=org_id, sequence=number + 1)


async def test_a_client_resumes_without_gap_wherever_it_broke_off(
    gateway_on_kafka: Replica, publisher: Publisher
) -> None:
    caller, http, keys = a_caller(), gateway_on_kafka.http, gateway_on_kafka.keys
    async with listening(http, keys, caller) as stream:
        hello = await stream.frame()
        await publish_many(publisher, caller.org_id, 10)
        whole = await stream.events(10)
    assert hello is not None
    positions = [hello.id, *(frame.id for frame in whole)]
    for index, position in enumerate(positions[:-1]):
        async with listening(http, keys, caller, since=position) as resumed:
            resumed.seen.update(frame.data["id"] for frame in whole[:index])
            assert await resumed.events(10 - index) == whole[index:]


async def test_a_client_resumes_at_another_replica_and_then_listens_on(
    gateway_on_kafka: Replica, second_replica: Replica, publisher: Publisher
) -> None:
    caller, keys = a_caller(), gateway_on_kafka.keys
    async with listening(gateway_on_kafka.http, keys, caller) as stream:
        await stream.frame()
        await publish_many(publisher, caller.org_id, 3)
        await stream.events(3)
    seen = stream.seen
    await publish_many(publisher, caller.org_id, 3, first=3)
    async with listening(second_replica.http, keys, caller, since=stream.last_id) as stream:
        stream.seen |= seen
        missed = await stream.events(3)
        await publish_many(publisher, caller.org_id, 3, first=6)
        live = await stream.events(3)
    assert [frame.data["data"]["name"] for frame in missed + live] == ["3", "4", "5", "6", "7", "8"]


async def test_what_is_no_longer_in_memory_is_read_back_from_the_broker(
    gateway_on_kafka: Replica, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "MOST_ENTRIES", 5)
    caller, http, keys = a_caller(), gateway_on_kafka.http, gateway_on_kafka.keys
    async with listening(http, keys, caller) as stream:
        hello = await stream.frame()
        await publish_many(publisher, caller.org_id, 40)
        whole = await stream.events(40)
    assert hello is not None
    async with listening(http, keys, caller, since=hello.id) as resumed:
        assert await resumed.events(40) == whole
        await publish_many(publisher, caller.org_id, 1, first=40)
        assert (await resumed.event()).data["data"]["name"] == "40"


async def test_nothing_is_lost_while_a_client_catches_up_and_events_go_on(
    gateway_on_kafka: Replica, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "MOST_ENTRIES", 20)
    caller, http, keys = a_caller(), gateway_on_kafka.http, gateway_on_kafka.keys
    async with listening(http, keys, caller) as stream:
        hello = await stream.frame()
        await publish_many(publisher, caller.org_id, 50)
        await stream.events(50)
    assert hello is not None
    publishing = asyncio.create_task(publish_many(publisher, caller.org_id, 200, first=50))
    async with AsyncExitStack() as open_streams:
        for _ in range(10):
            stream = await open_streams.enter_async_context(listening(http, keys, caller, since=hello.id))
            assert [int(frame.data["data"]["name"]) for frame in await stream.events(250)] == list(range(250))
    await publishing


@pytest.mark.parametrize("text", ["nonsense", "", "00000000-0-0", "deadbeef-3-17", "x" * 3000])
async def test_a_position_of_elsewhere_is_answered_by_a_reset(
    text: str, gateway_on_kafka: Replica, publisher: Publisher
) -> None:
    caller = a_caller()
    async with listening(gateway_on_kafka.http, gateway_on_kafka.keys, caller, since=text) as stream:
        first = await stream.frame()
        assert first is not None
        assert (first.kind == "reset") == bool(text)
        await publisher.publish(an_organisation(caller.org_id), org_id=caller.org_id)
        assert (await stream.event()).kind == "auth.organisation-created"


async def test_a_position_of_another_organisation_is_answered_by_a_reset(
    gateway_on_kafka: Replica, publisher: Publisher
) -> None:
    caller = a_caller()
    foreign = next(org for org in iter(new_id, None) if partition_of(org) != partition_of(caller.org_id))
    async with listening(gateway_on_kafka.http, gateway_on_kafka.keys, a_caller(org_id=foreign)) as stream:
        await stream.frame()
    async with listening(gateway_on_kafka.http, gateway_on_kafka.keys, caller, since=stream.last_id) as stream:
        assert (await stream.event()).data == {"reason": "position-foreign"}


async def test_a_position_that_the_broker_has_dropped_is_answered_by_a_reset(
    gateway_on_kafka: Replica, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "MOST_ENTRIES", 2)
    caller, http, keys = a_caller(), gateway_on_kafka.http, gateway_on_kafka.keys
    async with listening(http, keys, caller) as stream:
        hello = await stream.frame()
        await publish_many(publisher, caller.org_id, 10)
        newest = (await stream.events(10))[-1]
    assert hello is not None
    assert newest.id is not None
    position = Position.parse(newest.id)
    assert position is not None
    await publisher.delete_feed_before(position)
    async with listening(http, keys, caller, since=hello.id) as stream:
        await stream.frame()
        assert (await stream.event()).data == {"reason": "position-gone"}
        await publish_many(publisher, caller.org_id, 1, first=10)
        assert (await stream.event()).data["data"]["name"] == "10"


async def test_a_position_ahead_of_the_replica_is_waited_for(
    gateway_on_kafka: Replica, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, http, keys = a_caller(), gateway_on_kafka.http, gateway_on_kafka.keys
    async with listening(http, keys, caller) as stream:
        hello = await stream.frame()
    assert hello is not None
    assert hello.id is not None
    position = Position.parse(hello.id)
    assert position is not None
    ahead = replace(position, offset=position.offset + 2)
    async with listening(http, keys, caller, since=str(ahead)) as stream:
        await publish_many(publisher, caller.org_id, 3)
        found = Position.parse((await stream.event()).id or "")
        assert found == replace(ahead, offset=ahead.offset + 1)
    monkeypatch.setattr(events, "AHEAD_S", 0.2)
    never = replace(position, offset=position.offset + 1000)
    async with listening(http, keys, caller, since=str(never)) as stream:
        assert (await stream.event()).data == {"reason": "position-unknown"}


async def test_repeats_carry_the_same_id(gateway_on_kafka: Replica, publisher: Publisher) -> None:
    caller, event_id = a_caller(), new_id()
    async with listening(gateway_on_kafka.http, gateway_on_kafka.keys, caller) as stream:
        await stream.frame()
        for _ in range(2):
            await publisher.publish(an_organisation(caller.org_id), org_id=caller.org_id, event_id=event_id)
        first, second = await stream.event(), await stream.event()
    assert first.data["id"] == second.data["id"] == str(event_id)
    assert first.id != second.id


async def test_a_revoked_caller_is_let_go_within_two_seconds(gateway_on_kafka: Replica, publisher: Publisher) -> None:
    revoked, other = a_caller(), a_caller()
    http, keys = gateway_on_kafka.http, gateway_on_kafka.keys
    async with listening(http, keys, revoked) as stream, listening(http, keys, other) as kept:
        await stream.frame()
        await kept.frame()
        await publisher.revoke(revoked)
        await stream.ended(within=2)
        await publisher.publish(an_organisation(other.org_id), org_id=other.org_id)
        await kept.event()
    found = await http.get("/api/v1/events", headers=keys.headers(revoked))
    assert (found.status_code, found.json()["type"]) == (401, "urn:stoa:problem:invalid-token")


async def test_a_stream_ends_with_its_token(gateway_on_kafka: Replica) -> None:
    caller = a_caller(lifetime=timedelta(seconds=1.5))
    async with listening(gateway_on_kafka.http, gateway_on_kafka.keys, caller) as stream:
        await stream.ended(within=4)


async def test_a_client_that_does_not_read_is_cut_off_and_holds_up_nobody(
    gateway_on_kafka: Replica, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "MOST_BYTES", 100_000)
    org_id = new_id()
    slow, quick = a_caller(org_id=org_id), a_caller(org_id=org_id)
    http, keys = gateway_on_kafka.http, gateway_on_kafka.keys
    connection = await Connection.to(gateway_on_kafka.address)
    await connection.send("GET /api/v1/events HTTP/1.1", "Host: x", f"Authorization: Bearer {keys.token(slow)}")
    async with listening(http, keys, quick) as stream:
        await stream.frame()
        before = cut_off()
        name = "x" * 50_000
        sent = 0
        while cut_off() == before:
            await publisher.publish(an_organisation(org_id, f"{sent} {name}"), org_id=org_id)
            assert (await stream.events(1))[0].data["data"]["name"].startswith(f"{sent} ")
            sent += 1
            assert sent < 1000, "never cut off"
    connection.close()


def cut_off() -> float:
    from prometheus_client import REGISTRY

    return REGISTRY.get_sample_value("stoa_gateway_feed_cut_off_total") or 0.0


async def test_a_heartbeat_tells_the_position(gateway_on_kafka: Replica, publisher: Publisher) -> None:
    caller, http, keys = a_caller(), gateway_on_kafka.http, gateway_on_kafka.keys
    async with listening(http, keys, caller, types="modules.*") as stream:
        hello = await stream.frame()
        await publish_many(publisher, caller.org_id, 2)
        beat = await stream.frame(within=15)
    assert hello is not None
    assert beat is not None
    assert beat.kind is None
    assert beat.text.startswith(":")
    assert beat.id != hello.id


async def test_streams_leave_nothing_behind(gateway_on_kafka: Replica) -> None:
    async def none_open() -> bool:
        checks = (await gateway_on_kafka.http.get("/health/ready")).json()["checks"]
        return bool(checks["gateway.streams"]["line"] == "0 open")

    for _ in range(5):
        async with listening(gateway_on_kafka.http, gateway_on_kafka.keys, a_caller()) as stream:
            await stream.frame()
    await eventually(none_open)
