"""A broker whose disk is gone: nothing is sent to the empty one unasked, and a replay brings all of it back."""

from collections import defaultdict
from functools import partial
from uuid import UUID

import pytest

from chassis.component import Component
from chassis.core import Ok, new_id
from chassis.health import Status
from chassis.kafka.topics import create_topics
from chassis.operations.outbox import replay_lost_broker
from chassis.testing.waiting import eventually, running

from ..sample.events import THINGS, TOPICS
from ..sample.own_broker import OwnBroker
from ..sample.stage import Stage, noting
from .test_broker_away import caught_up

COPIES = "sample.copies"
pytestmark = pytest.mark.timeout(180)


async def test_a_wiped_broker_is_filled_by_a_replay_and_every_reader_ends_with_the_same_effects(
    stage: Stage, broker: OwnBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stage.__dict__, "kafka", broker.connection("sample"))
    await create_topics(stage.kafka, TOPICS)
    things, relay, copies = [new_id() for _ in range(5)], stage.relay(), stage.consuming(noting())
    async with running(relay, *copies):
        await change(stage, things, 1, 5)
        await all_applied(stage, COPIES, things, 5)
        broker.kill()
        broker.lose_data()
        await change(stage, things, 6, 8)
        await broker.start()
        line = await eventually(partial(unhealthy, relay), within=60)
        assert "python -m sample outbox replay --lost-broker" in (line or "")
        await eventually(partial(misses_topics, copies[1]), within=30)
        await create_topics(stage.kafka, TOPICS)
        await change(stage, things, 9, 9)
        async with stage.raw() as operator, operator.transaction():
            assert await sequences(stage) == {}
            assert isinstance(await replay_lost_broker(operator, stage.kafka), Ok)
        await all_applied(stage, COPIES, things, 9)
        assert await sequences(stage) == {str(thing): list(range(1, 10)) for thing in things}
        async with running(*stage.consuming(noting("sample.later"))):
            await all_applied(stage, "sample.later", things, 9)
        await change(stage, things, 10, 10)
        await all_applied(stage, COPIES, things, 10)
        await eventually(partial(caught_up, stage, COPIES), within=30)
    assert await stage.rows("SELECT * FROM dead_letters") == []


async def change(stage: Stage, things: list[UUID], first: int, last: int) -> None:
    """Each thing gets the names from `first` to `last`."""
    for number in range(first, last + 1):
        for thing in things:
            await (stage.make("1", thing) if number == 1 else stage.rename(thing, str(number)))


async def all_applied(stage: Stage, consumer: str, things: list[UUID], last: int) -> None:
    names = [str(number) for number in range(1, last + 1)]
    for thing in things:
        await stage.until_effects(consumer, names, thing, within=60)


async def sequences(stage: Stage) -> dict[str, list[int]]:
    """Per key the sequences in the topic, in their order."""
    found: dict[str, list[int]] = defaultdict(list)
    for record in await stage.topics.read(THINGS.name):
        found[record.key.decode()].append(int(dict(record.headers)["ce_sequence"]))
    return found


async def unhealthy(part: Component) -> str | None:
    health = part.health()
    return health.line if health.status is Status.UNHEALTHY and "lost its data" in health.line else None


async def misses_topics(part: Component) -> bool:
    return part.health().line == f"topics are missing: {THINGS.name}"
