"""Sending again: whatever an operator has sent again arrives in order, and no reader applies anything twice."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from chassis.core import Err, Ok, new_id
from chassis.health import Status
from chassis.operations.outbox import replay_lost_broker, replay_since, status
from chassis.operations.outbox_failures import BrokerNotLost, ReplayUnderWay, TopicsMissing
from chassis.outbox.leadership import LOCK
from chassis.outbox.relay import Relay
from chassis.testing.processes import Forked
from chassis.testing.waiting import eventually, running

from ..sample.events import THINGS
from ..sample.process import process
from ..sample.stage import Stage, noting
from .test_crashes import armed, dies

COPIES = "sample.copies"
EVER = datetime(2000, 1, 1, tzinfo=UTC)
LOSE = "UPDATE broker SET cluster_id = 'another'"


async def a_thing(stage: Stage, names: int) -> UUID:
    thing = await stage.make("1")
    for number in range(2, names + 1):
        await stage.rename(thing, str(number))
    return thing


async def again(stage: Stage, since: datetime = EVER) -> int:
    async with stage.raw() as connection, connection.transaction():
        done = await replay_since(connection, since)
    assert isinstance(done, Ok)
    rows: int = done.value["rows"]
    return rows


async def sent(stage: Stage) -> dict[str, list[int]]:
    """Per key the sequences in the topic, in their order."""
    found: dict[str, list[int]] = defaultdict(list)
    for record in await stage.topics.read(THINGS.name):
        found[record.key.decode()].append(int(dict(record.headers)["ce_sequence"]))
    return found


async def test_a_replay_beside_a_running_relay_is_sent_in_order_and_applied_once(stage: Stage) -> None:
    async with running(stage.relay(), *stage.consuming(noting())):
        thing = await a_thing(stage, 5)
        await stage.until_sent()
        assert await again(stage) == 5
        await stage.until_sent()
        assert await again(stage) == 5
        await stage.rename(thing, "6")
        await stage.until_effects(COPIES, ["1", "2", "3", "4", "5", "6"], thing)
        await stage.until_sent()
        await stage.until_read(COPIES)
    assert (await sent(stage))[str(thing)] == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6]
    assert await stage.effects(COPIES, thing) == ["1", "2", "3", "4", "5", "6"]
    assert await stage.letters() == []


async def test_only_what_was_sent_since_then_is_sent_again(stage: Stage) -> None:
    thing = await a_thing(stage, 4)
    await stage.execute("UPDATE outbox SET sent_at = now() - interval '2 hours' WHERE sequence <= 3")
    await stage.execute("UPDATE outbox SET sent_at = now() - interval '30 minutes' WHERE sequence = 3")
    since = (await stage.rows("SELECT now() - interval '1 hour' AS since"))[0].since
    async with running(stage.relay()):
        await stage.until_sent()
        assert await again(stage, since) == 2
        await stage.until_sent()
    assert (await sent(stage))[str(thing)] == [4, 3, 4]


async def test_under_load_each_key_stays_in_order_and_nothing_is_applied_twice(stage: Stage) -> None:
    async def change(thing: UUID) -> None:
        await stage.make("1", thing)
        for number in range(2, 31):
            await stage.rename(thing, str(number))

    things = [new_id() for _ in range(5)]
    async with running(stage.relay(), stage.relay(), *stage.consuming(noting())):
        working = asyncio.gather(*map(change, things))
        while not working.done():
            await again(stage)
            await stage.until_sent()
        await working
        await stage.until_sent()
        for thing in things:
            await stage.until_effects(COPIES, [str(number) for number in range(1, 31)], thing, within=30)
        await stage.until_read(COPIES)
    assert {len(await stage.effects(COPIES, thing)) for thing in things} == {30}
    assert await stage.letters() == []


async def test_while_a_replay_decides_nobody_sends(stage: Stage) -> None:
    relay = stage.relay()
    async with running(relay, stage.relay()):
        await a_thing(stage, 3)
        await stage.until_sent()
        async with stage.raw() as operator, operator.transaction():
            assert isinstance(await replay_since(operator, EVER), Ok)
            await stage.make("waits")
            async with stage.raw() as other, other.transaction():
                assert not await other.fetchval("SELECT pg_try_advisory_xact_lock($1)", LOCK)
                held = await other.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL")
            assert held == 1
        await stage.until_sent()


async def test_of_two_replays_one_waits_for_the_other(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.operations.outbox._PATIENCE_S", 0.1)
    async with stage.raw() as first, stage.raw() as second:
        async with first.transaction():
            assert isinstance(await replay_since(first, EVER), Ok)
            async with second.transaction():
                assert await replay_since(second, EVER) == Err(ReplayUnderWay())
        async with second.transaction():
            assert isinstance(await replay_since(second, EVER), Ok)


async def test_a_relay_that_meets_another_broker_sends_nothing_and_says_the_command(stage: Stage) -> None:
    relay = stage.relay()
    async with running(relay):
        await a_thing(stage, 3)
        await stage.until_sent()
    await stage.execute(LOSE)
    async with running(relay):
        line = await eventually(lambda: lost(relay))
        assert "python -m sample outbox replay --lost-broker" in (line or "")
        await stage.make("new")
        async with stage.raw() as connection:
            found = await status(connection)
            assert (found.new.rows, found.cluster_id) == (1, "another")
            assert found.sender is not None
            assert found.sender.application == "sample.relay"
        async with stage.raw() as connection, connection.transaction():
            done = await replay_lost_broker(connection, stage.kafka)
        assert isinstance(done, Ok)
        assert done.value == {"rows": 3, "cluster_id": await stage.kafka.cluster_id(), "instead_of": "another"}
        await stage.until_sent()
        await eventually(lambda: is_healthy(relay))
    assert sorted(map(len, (await sent(stage)).values())) == [1, 6]


async def test_a_broker_that_is_the_known_one_was_not_lost(stage: Stage) -> None:
    async with running(stage.relay()):
        await a_thing(stage, 1)
        await stage.until_sent()
    async with stage.raw() as connection, connection.transaction():
        refused = await replay_lost_broker(connection, stage.kafka)
    assert refused == Err(BrokerNotLost(await stage.kafka.cluster_id()))
    assert await unsent(stage) == 0


async def test_without_its_topics_a_lost_broker_is_not_filled(stage: Stage) -> None:
    async with running(stage.relay()):
        await a_thing(stage, 1)
        await stage.until_sent()
    await stage.execute(LOSE)
    await stage.execute("UPDATE outbox SET topic = 'testing-gone'")
    async with stage.raw() as connection, connection.transaction():
        assert await replay_lost_broker(connection, stage.kafka) == Err(TopicsMissing(("testing-gone",)))
    assert await unsent(stage) == 0


@pytest.mark.parametrize("point", ["cleared", "recorded"])
async def test_a_replay_that_dies_leaves_neither_cleared_rows_nor_a_new_broker(
    stage: Stage, tmp_path: Path, point: str
) -> None:
    async with running(stage.relay()):
        await a_thing(stage, 3)
        await stage.until_sent()
    await stage.execute(LOSE)
    with process(stage.environment, "replay", **armed(f"replay.{point}", tmp_path)) as died:
        await eventually(lambda: dies(died), within=30)
    assert await unsent(stage) == 0
    assert (await broker(stage)).cluster_id == "another"
    with process(stage.environment, "replay") as done:
        await eventually(lambda: ended(done), within=30)
    assert await unsent(stage) == 3
    assert (await broker(stage)).cluster_id == await stage.kafka.cluster_id()


async def test_what_is_sent_again_does_not_fill_the_outbox(stage: Stage) -> None:
    await a_thing(stage, 5)
    await stage.execute("UPDATE outbox SET sent_at = now()")
    await stage.execute("INSERT INTO broker (cluster_id) VALUES ('known')")
    assert await again(stage) == 5
    backlog = stage.backlog(rows=3)
    async with running(backlog):
        await eventually(lambda: is_healthy(backlog))
        async with stage.raw() as connection:
            found = await status(connection)
            assert (found.new.rows, found.again.rows) == (0, 5)
        await stage.make("goes on")


async def lost(relay: Relay) -> str | None:
    health = relay.health()
    return health.line if health.status is Status.UNHEALTHY and "lost its data" in health.line else None


async def is_healthy(part: Any) -> bool:
    return bool(part.health().status is Status.HEALTHY)


async def unsent(stage: Stage) -> int:
    return len(await stage.rows("SELECT 1 FROM outbox WHERE sent_at IS NULL"))


async def broker(stage: Stage) -> Any:
    return (await stage.rows("SELECT * FROM broker"))[0]


async def ended(done: Forked) -> bool:
    return done.poll() == 0
