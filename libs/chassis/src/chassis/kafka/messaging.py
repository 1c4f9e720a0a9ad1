"""All that a process needs to run a service's consumers."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from chassis.component import Component
from chassis.kafka.applier import Applier
from chassis.kafka.connection import Kafka
from chassis.kafka.consumer import Consumer
from chassis.kafka.dispatch import Dispatch
from chassis.kafka.resting import Resting
from chassis.kafka.retrier import Retrier
from chassis.kafka.slot import Slot
from chassis.kafka.subscriber import Consuming
from chassis.use_case import Runner

Tx = TypeVar("Tx")


def consuming(
    service: str, system_dsn: str, kafka: Kafka, runner: Runner[Tx], consumers: Sequence[Consumer[Tx]]
) -> list[Component]:
    """The slot, one reader for each consumer, and what tries again for all of them what was parked."""
    if not consumers:
        return []
    slot, parked, alone = Slot(system_dsn, service), asyncio.Event(), asyncio.Lock()
    dispatches = [Dispatch(consumer, runner, alone) for consumer in consumers]
    resting = Resting([consumer.name for consumer in consumers])
    appliers = [Applier(dispatch, parked) for dispatch in dispatches]
    readers = [
        Consuming(kafka, consumer, applier, slot, resting)
        for consumer, applier in zip(consumers, appliers, strict=True)
    ]
    return [slot, *readers, Retrier(dispatches, runner.database, parked, resting)]
