"""What a service declares about a consumer: its name and which event goes to which function."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from chassis.core import Failure, Outcome
from contracts.event import Event
from contracts.topics import Topic

Tx_contra = TypeVar("Tx_contra", contravariant=True)
E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Subscription(Generic[Tx_contra]):
    """One kind in one version, and what is done with it."""

    event: type[Event]
    handle: Callable[[Tx_contra, Any], Awaitable[Outcome]]
    refuse: Callable[[Tx_contra, Any, Failure], Awaitable[None]] | None
    deadline: Callable[[Any], datetime] | None


def on(
    event: type[E],
    handle: Callable[[Tx_contra, E], Awaitable[Outcome]],
    *,
    refuse: Callable[[Tx_contra, E, Failure], Awaitable[None]] | None = None,
    deadline: Callable[[E], datetime] | None = None,
) -> Subscription[Tx_contra]:
    """Sends `event` to `handle`.

    `refuse` writes down a refusal (a reply, where one is due), in the transaction that settles the event after what
    `handle` wrote was undone. `deadline`: after it, a parked event is refused instead of waiting for a person.
    """
    return Subscription(event, handle, refuse, deadline)


@dataclass(frozen=True)
class Consumer(Generic[Tx_contra]):
    """`name` is `<service>.<purpose>`: Kafka group, inbox key, dead-letter consumer and metric label, for ever."""

    name: str
    subscriptions: Sequence[Subscription[Tx_contra]]

    @property
    def topics(self) -> list[Topic]:
        """The topics of its events, each once."""
        by_name = {
            subscription.event.contract.topic.name: subscription.event.contract.topic
            for subscription in self.subscriptions
        }
        return [by_name[name] for name in sorted(by_name)]

    def find(self, event: Event | None) -> Subscription[Tx_contra] | None:
        """The subscription of an event, None when this consumer passes over its kind."""
        return next((found for found in self.subscriptions if type(event) is found.event), None)
