"""All that a process needs to run a service's consumers."""

from collections.abc import Sequence
from typing import TypeVar

from chassis.component import Component
from chassis.kafka.applier import Applier
from chassis.kafka.connection import Kafka
from chassis.kafka.consumer import Consumer
from chassis.kafka.dispatch import Dispatch
from chassis.kafka.retrier import Retrier
from chassis.kafka.slot import Slot
from chassis.kafka.subscriber import Consuming
from chassis.use_case import Runner

Tx = TypeVar("Tx")


def consuming(
    service: str, system_dsn: str, kafka: Kafka, runner: Runner[Tx], consumers: Sequence[Consumer[Tx]]
) -> list[Component]:
    """The slot, and for each consumer the one that reads and the one that tries again what was parked."""
    if not consumers:
        return []
    slot = Slot(system_dsn, service)
    components: list[Component] = [slot]
    for consumer in consumers:
        dispatch = Dispatch(consumer, runner)
        applier = Applier(dispatch)
        components += [Consuming(kafka, consumer, applier, slot), Retrier(dispatch, applier.parked)]
    return components
