"""A consumer that says it is well and stands still ends its process; one that waits for something does not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher

from chassis.core import Ok, Outcome, new_id
from chassis.kafka import lag, progress
from chassis.kafka.connection import READING
from chassis.kafka.consumer import Consumer, on
from chassis.kafka.progress import ConsumerIsStuck
from chassis.testing.waiting import eventually, running

from ..sample.events import ThingMade
from ..sample.process import process
from ..sample.service import SampleTransaction
from ..sample.stage import Stage, noting

COPIES = "sample.copies"


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds, in each of which an idle consumer hears from the broker twice."""
    monkeypatch.setitem(READING, "fetch_max_wait_ms", 500)
    monkeypatch.setattr(progress, "STUCK_S", 2.0)
    monkeypatch.setattr(progress, "LOOK_S", 0.25)


async def hang(*_: Any, **__: Any) -> Any:
    await asyncio.Event().wait()


@asynccontextmanager
async def reading(stage: Stage, consumer: Consumer[SampleTransaction]) -> AsyncIterator["asyncio.Task[None]"]:
    """The consumer's own task; it may end by itself."""
    slot, reader, retrier = stage.consuming(consumer)
    async with running(slot, retrier):
        task = asyncio.create_task(reader.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])


async def ends(task: "asyncio.Task[None]") -> str:
    async with asyncio.timeout(30):
        await asyncio.wait([task])
    with pytest.raises(ConsumerIsStuck) as caught:
        task.result()
    return str(caught.value)


@pytest.mark.parametrize("deaf", ["_fetch_requests_routine", "next_record"])
async def test_a_consumer_to_which_nothing_is_delivered_ends(
    stage: Stage, soon: None, monkeypatch: pytest.MonkeyPatch, deaf: str
) -> None:
    monkeypatch.setattr(Fetcher, deaf, hang)
    async with reading(stage, noting()) as task:
        await stage.topics.send(stage.fact(new_id(), 1))
        assert "nothing came from" in await ends(task)


async def test_a_consumer_whose_offsets_are_never_committed_ends(
    stage: Stage, soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AIOKafkaConsumer, "commit", hang)
    async with reading(stage, noting()) as task:
        await stage.topics.send(stage.fact(new_id(), 1))
        assert "no offset could be committed" in await ends(task)


async def test_a_consumer_whose_handler_never_returns_ends(stage: Stage, soon: None) -> None:
    async with reading(stage, Consumer(COPIES, [on(ThingMade, hanging)])) as task:
        await stage.topics.send(stage.fact(new_id(), 1))
        assert "no event was settled" in await ends(task)


async def hanging(tx: SampleTransaction, event: ThingMade) -> Outcome:
    await asyncio.Event().wait()
    return Ok(None)


async def test_a_consumer_with_nothing_to_do_goes_on(stage: Stage, soon: None) -> None:
    async with reading(stage, noting()) as task:
        await stage.topics.send(stage.fact(new_id(), 1))
        await stage.until_effects(COPIES, ["1"])
        await asyncio.wait([task], timeout=3.5)  # longer than what counts as stuck
        assert not task.done()


@pytest.mark.parametrize("question", ["positions", "ask_database"])
async def test_a_consumer_that_waits_for_broker_or_database_goes_on(
    stage: Stage, soon: None, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    asked = 0

    async def away(*_: Any, **__: Any) -> Any:
        nonlocal asked
        asked += 1
        raise OSError("away")

    monkeypatch.setattr(Fetcher, "next_record", hang)
    monkeypatch.setattr(lag, question, away)
    async with reading(stage, noting()) as task:
        await stage.topics.send(stage.fact(new_id(), 1))
        await eventually(lambda: at_least(lambda: asked, 2), within=30)
        assert not task.done()


async def at_least(count: Callable[[], int], least: int) -> bool:
    return count() >= least


async def test_the_process_of_a_deaf_consumer_ends_and_its_successor_reads_on(stage: Stage) -> None:
    await stage.topics.send(stage.fact(new_id(), 1))
    with process(stage.environment, "deaf") as started:
        await eventually(lambda: ended(started), within=60)
        assert started.poll() == 70
    with process(stage.environment, "worker"):
        await stage.until_effects(COPIES, ["1"], within=30)


async def ended(started: Any) -> bool:
    return started.poll() is not None
