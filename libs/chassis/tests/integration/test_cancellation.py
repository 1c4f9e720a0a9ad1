"""Components that wait end when they are told to, also when they are woken in the same moment."""

import asyncio

from chassis.component import Component
from chassis.kafka.retrier import Retrier
from chassis.testing.waiting import eventually

from ..sample.stage import Stage, noting


async def waits_in(component: Component, line: str) -> bool:
    return component.health().line == line


async def stops(component: Component, wake: asyncio.Event, line: str) -> None:
    """`asyncio.wait_for` of Python 3.11 swallows a cancellation that comes together with what it waits for."""
    task = asyncio.create_task(component.run())
    await eventually(lambda: waits_in(component, line))
    wake.set()
    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()


async def test_a_relay_that_is_woken_and_cancelled_at_once_stops(stage: Stage) -> None:
    for _ in range(5):
        await stops(stage.relay(), stage.outbox.waiting, "nothing waits")


async def test_a_retrier_that_is_woken_and_cancelled_at_once_stops(stage: Stage) -> None:
    for _ in range(5):
        retrier = stage.consuming(noting())[-1]
        assert isinstance(retrier, Retrier)
        await stops(retrier, retrier._parked, "every parked event that can be tried was")
