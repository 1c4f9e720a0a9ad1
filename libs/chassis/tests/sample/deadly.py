"""Consumers with events that end their process, as one does that takes all memory."""

import asyncio
import os
import signal

from chassis.core import Failure, Ok, Outcome
from chassis.kafka.consumer import Consumer, on

from .events import OrderPlaced, OrderRefused, ThingMade, ThingRenamed
from .service import SampleTransaction

KILLS = "kills"
TAKES_TIME = "takes time"


class _Noting:
    def __init__(self, consumer: str, *, dies: bool) -> None:
        self._consumer = consumer
        self._dies = dies

    async def __call__(self, tx: SampleTransaction, event: ThingMade | ThingRenamed) -> Outcome:
        if self._dies and event.name == KILLS:
            await asyncio.sleep(0.1)
            os.kill(os.getpid(), signal.SIGKILL)
        if not self._dies and event.name == TAKES_TIME:
            await asyncio.sleep(1)
        await tx.note(self._consumer, event.thing_id, event.name)
        return Ok(None)


async def _obey(tx: SampleTransaction, order: OrderPlaced) -> Outcome:
    if order.wish == KILLS:
        os.kill(os.getpid(), signal.SIGKILL)
    await tx.note("sample.orders", order.thing_id, order.wish)
    return Ok(None)


async def _answer(tx: SampleTransaction, order: OrderPlaced, failure: Failure) -> None:
    refused = OrderRefused(thing_id=order.thing_id, slug=failure.slug)
    tx.work.publish_record(refused, key=str(order.thing_id), org_id=tx.context.org_id)


def deadly() -> list[Consumer[SampleTransaction]]:
    """`sample.copies` and `sample.orders` die of what is called "kills"; `sample.patient` takes its time."""
    copies, patient = _Noting("sample.copies", dies=True), _Noting("sample.patient", dies=False)
    return [
        Consumer("sample.copies", [on(ThingMade, copies), on(ThingRenamed, copies)]),
        Consumer("sample.patient", [on(ThingMade, patient), on(ThingRenamed, patient)]),
        Consumer("sample.orders", [on(OrderPlaced, _obey, refuse=_answer, deadline=lambda order: order.deadline)]),
    ]
