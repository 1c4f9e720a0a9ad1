"""A broker that goes away: writes are accepted, and everything is caught up afterwards."""

from dataclasses import replace
from functools import partial

import pytest

from chassis.health import Status
from chassis.kafka.topics import create_topics
from chassis.testing.waiting import eventually, running

from ..sample.events import TOPICS
from ..sample.own_broker import OwnBroker
from ..sample.stage import Stage, noting

COPIES = "sample.copies"


async def test_without_a_broker_writes_go_on_processes_start_and_everything_is_caught_up_when_it_is_back(
    stage: Stage, broker: OwnBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stage.__dict__, "kafka", broker.connection("sample"))
    await create_topics(stage.kafka, TOPICS)
    relay, started_later = stage.relay(), stage.consuming(noting("sample.later"))
    async with running(relay, *stage.consuming(noting())):
        thing = await stage.make("1")
        await stage.until_effects(COPIES, ["1"])
        broker.kill()
        async with running(*started_later):
            for number in range(2, 12):
                await stage.rename(thing, str(number))
            await eventually(lambda: is_degraded(relay.health().status))
            await eventually(lambda: is_unhealthy(started_later[1].health().status))
            await broker.start()
            for consumer in (COPIES, "sample.later"):
                await stage.until_effects(consumer, [str(number) for number in range(1, 12)], within=60)
                await eventually(partial(caught_up, stage, consumer), within=30)
            await eventually(lambda: is_healthy(relay.health().status))
    assert await stage.rows("SELECT * FROM dead_letters") == []


async def test_a_consumer_waits_for_its_topics(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(stage.__dict__, "kafka", replace(stage.kafka, namespace=stage.kafka.namespace + "late-"))
    consuming = stage.consuming(noting())
    async with running(stage.relay(), *consuming):
        await eventually(lambda: misses_topics(consuming[1].health().line))
        await create_topics(stage.kafka, TOPICS)
        await stage.make("lamp")
        await stage.until_effects(COPIES, ["lamp"])


async def is_healthy(status: Status) -> bool:
    return status is Status.HEALTHY


async def is_degraded(status: Status) -> bool:
    return status is Status.DEGRADED


async def is_unhealthy(status: Status) -> bool:
    return status is Status.UNHEALTHY


async def misses_topics(line: str) -> bool:
    return line == "topics are missing: testing-things"


async def caught_up(stage: Stage, consumer: str) -> bool:
    return await stage.topics.lag(consumer, "testing-things") == 0
