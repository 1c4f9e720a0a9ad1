"""The feed worker: each public event once it is acknowledged, as it came, keyed by organisation; nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from chassis.core import new_id
from chassis.health import Status
from chassis.kafka.connection import Kafka
from chassis.kafka.lag import positions
from chassis.kafka.offsets import Offsets
from chassis.testing.topics import topics_on
from chassis.testing.waiting import eventually, running
from contracts.agent.topics import RUNS
from contracts.auth.topics import MEMBERSHIPS, ORGANISATIONS, REVOCATIONS, SIGN_INS, USERS
from contracts.auth.v1 import SignInFailed
from contracts.chats.topics import CHATS
from contracts.gateway.topics import FEED
from contracts.modules.topics import COMMANDS, KINDS, MODULES, REPLIES
from gateway.feed.positions import partition_of
from gateway.feed.worker import FeedWorker, public_topics
from local_stack.backends import Backends

from ..feed_stage import Publisher, a_message, an_envelope, an_organisation
from ..stage import settings_for


@pytest.fixture(scope="module")
async def kafka(backends: Backends) -> AsyncIterator[Kafka]:
    """Topics of this module's own."""
    environment = await asyncio.to_thread(backends.service_environment, "gateway", namespace=f"w{new_id().hex}-")
    names = ("kafka_bootstrap", "kafka_username", "kafka_password", "kafka_namespace")
    values = {name: environment[f"STOA_{name.upper()}"] for name in names}
    made = Kafka.of(settings_for("http://127.0.0.1:1", **values), client_id="test")
    async with topics_on(made, but=FEED):
        yield made


@pytest.fixture(scope="module")
async def source(kafka: Kafka) -> AsyncIterator[Publisher]:
    async with Publisher.to(kafka) as made:
        yield made


@pytest.fixture
async def feed(kafka: Kafka) -> AsyncIterator[Any]:
    """A reader of the feed from here on."""
    consumer = kafka.tail(FEED.name, auto_offset_reset="latest")
    await consumer.start()
    await consumer.seek_to_end()
    for partition in consumer.assignment():
        await consumer.position(partition)
    yield consumer
    await consumer.stop()


async def records(feed: Any, count: int, within: float = 15) -> list[Any]:
    """The next so many different events: a worker may repeat one."""
    found: dict[bytes, Any] = {}
    async with asyncio.timeout(within):
        while len(found) < count:
            for part in (await feed.getmany(timeout_ms=100)).values():
                for record in part:
                    found.setdefault(dict(record.headers)["ce_id"], record)
    return list(found.values())


@asynccontextmanager
async def working(kafka: Kafka) -> AsyncIterator[None]:
    """A worker meanwhile. It ends when it has committed all, so that the next one repeats nothing."""
    async with running(FeedWorker(kafka, 0)):
        yield
        await eventually(lambda: nothing_is_left(kafka))


async def nothing_is_left(kafka: Kafka) -> bool:
    """Whether the worker has committed all that stands in its topics."""
    found = await positions(kafka, {"gateway.feed": ()})
    return not [one for one in found["gateway.feed"] if one.lag]


def skipped(reason: str) -> float:
    labels = {"kind": "skipped", "outcome": reason}
    return REGISTRY.get_sample_value("stoa_gateway_feed_events_total", labels) or 0.0


async def test_an_event_is_forwarded_as_it_came_under_the_key_of_its_organisation(
    kafka: Kafka, source: Publisher, feed: Any
) -> None:
    org_id, chat_id, user = new_id(), new_id(), new_id()
    message = a_message(chat_id, user)
    headers = [*an_envelope(message, org_id, chat_id).to_headers(), ("x-unknown", b"kept")]
    value = message.encode().replace(b'"text":"hello"', b'"text" : "hello", "added_later": [1]')
    async with working(kafka):
        await source.raw(CHATS.name, value, str(chat_id).encode(), headers)
        [record] = await records(feed, 1)
    assert record.headers == tuple(headers)
    assert record.value == value
    assert record.key == str(org_id).encode()
    assert record.partition == partition_of(org_id)


async def test_the_order_of_each_object_is_kept(kafka: Kafka, source: Publisher, feed: Any) -> None:
    org_id, chats = new_id(), [new_id() for _ in range(10)]
    for number in range(1, 31):
        for chat in chats:
            await source.publish(a_message(chat, chat, number=number), org_id=org_id, key=chat, sequence=number)
    async with working(kafka):
        found = await records(feed, 300)
    seen: dict[bytes, list[int]] = {}
    for record in found:
        headers = dict(record.headers)
        seen.setdefault(headers["ce_subject"], []).append(int(headers["ce_sequence"]))
    assert all(numbers == list(range(1, 31)) for numbers in seen.values())
    assert {record.partition for record in found} == {partition_of(org_id)}


async def test_what_is_internal_is_never_on_the_feed(kafka: Kafka, source: Publisher, feed: Any) -> None:
    org_id = new_id()
    internal = an_envelope(an_organisation(org_id), org_id, org_id).to_headers()
    hidden = [(name, b"internal" if name == "ce_audience" else value) for name, value in internal]
    async with working(kafka):
        await source.publish(SignInFailed(reason="wrong-password"), org_id=None)
        await source.raw(ORGANISATIONS.name, an_organisation(org_id).encode(), str(org_id).encode(), hidden)
        await source.publish(an_organisation(org_id, "shown"), org_id=org_id, key=org_id)
        [record] = await records(feed, 1)
    assert b"shown" in record.value


def test_topics_that_hold_nothing_public_are_not_even_read() -> None:
    topics = set(public_topics())
    assert {CHATS.name, MODULES.name, RUNS.name, ORGANISATIONS.name, MEMBERSHIPS.name} <= topics
    assert topics.isdisjoint(each.name for each in (USERS, SIGN_INS, REVOCATIONS, KINDS, COMMANDS, REPLIES, FEED))


async def test_what_cannot_be_decoded_is_skipped_counted_and_holds_up_nothing(
    kafka: Kafka, source: Publisher, feed: Any
) -> None:
    org_id = new_id()
    event, key = an_organisation(org_id), str(org_id).encode()
    good = an_envelope(event, org_id, org_id).to_headers()

    def changed(name: str, value: bytes) -> list[tuple[str, bytes]]:
        return [(known, value if known == name else old) for known, old in good]

    unknown_kind = changed("ce_type", b"auth.organisation-dissolved")
    unknown_kind = [
        (n, b"urn:stoa:schema:auth.organisation-dissolved:1" if n == "ce_dataschema" else v) for n, v in unknown_kind
    ]
    poison: list[tuple[bytes | None, list[tuple[str, bytes]], str]] = [
        (b"\x00\xff no event", [], "BadEnvelope"),
        (event.encode(), changed("ce_actor", b"\xff\xfe"), "BadEnvelope"),
        (event.encode(), [header for header in good if header[0] != "ce_id"], "BadEnvelope"),
        (b"{not json", good, "BadData"),
        (None, good, "BadData"),
        (event.encode(), changed("ce_dataschema", b"urn:stoa:schema:auth.organisation-created:99"), "UnknownVersion"),
        (event.encode(), unknown_kind, "UnknownKind"),
    ]
    before = {reason: skipped(reason) for _, _, reason in poison}
    async with working(kafka):
        for value, headers, _ in poison:
            await source.raw(ORGANISATIONS.name, value, key, headers)
        await source.publish(event, org_id=org_id, key=org_id)
        [record] = await records(feed, 1)
    assert record.value == event.encode()
    for reason in before:
        assert skipped(reason) - before[reason] == sum(reason == each for _, _, each in poison)


async def test_a_worker_that_is_started_again_goes_on_where_it_was(kafka: Kafka, source: Publisher, feed: Any) -> None:
    org_id = new_id()
    ids: list[UUID] = []
    for _ in range(3):
        async with working(kafka):
            ids += [await source.publish(an_organisation(org_id), org_id=org_id, key=org_id) for _ in range(5)]
            found = await records(feed, 5)
            assert [dict(record.headers)["ce_id"].decode() for record in found] == [str(each) for each in ids[-5:]]
        ids += [await source.publish(an_organisation(org_id), org_id=org_id, key=org_id)]
        async with working(kafka):
            [missed] = await records(feed, 1)
        assert dict(missed.headers)["ce_id"].decode() == str(ids[-1])


async def test_a_worker_that_died_before_it_committed_sends_again_under_the_same_ids(
    kafka: Kafka, source: Publisher, feed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dead(_: Offsets) -> None:
        pass

    async with working(kafka):
        await source.publish(an_organisation(new_id()), org_id=new_id())
        await records(feed, 1)
    org_id = new_id()
    ids = [str(await source.publish(an_organisation(org_id), org_id=org_id, key=org_id)) for _ in range(5)]
    with monkeypatch.context() as patched:
        patched.setattr(Offsets, "commit", dead)
        async with running(FeedWorker(kafka, 0)):
            first = await records(feed, 5)
    async with working(kafka):
        again = await records(feed, 5)
    assert [dict(record.headers)["ce_id"].decode() for record in [*first, *again]] == ids + ids


async def test_two_workers_share_the_work(kafka: Kafka, source: Publisher, feed: Any) -> None:
    first, second = FeedWorker(kafka, 0), FeedWorker(kafka, 1)

    async def both_ready() -> bool:
        return first.health().status is second.health().status is Status.HEALTHY

    org_id = new_id()
    async with running(first, second):
        await eventually(both_ready, within=20)
        for _ in range(50):
            await source.publish(an_organisation(org_id), org_id=org_id)
        found = await records(feed, 50)
    assert len({dict(record.headers)["ce_id"] for record in found}) == 50


async def test_without_its_topics_it_waits_and_names_them(kafka: Kafka) -> None:
    empty = Kafka(kafka.bootstrap, kafka.username, kafka.password, f"empty{new_id().hex}-", "test")
    worker = FeedWorker(empty, 0)

    async def named() -> bool:
        return "topics are missing" in worker.health().line and CHATS.name in worker.health().line

    async with running(worker):
        await eventually(named)
    assert worker.health().status is Status.UNHEALTHY
