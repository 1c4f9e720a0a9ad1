"""What a service declares about a consumer: its name and which event goes to which function."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from chassis.core import Failure, Outcome
from contracts.event import Event, Part
from contracts.topics import Topic

Tx_contra = TypeVar("Tx_contra", contravariant=True)
E = TypeVar("E", bound=Event)
S = TypeVar("S", bound=Part)


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
class Projection(Generic[Tx_contra]):
    """A table with one row for each aggregate of a topic, which is a function of its state and of nothing else."""

    topic: Topic
    table: str
    key_column: str
    state: type[Part]
    apply: Callable[[Tx_contra, Any], Awaitable[Outcome]]


def projection(
    topic: Topic,
    state: type[S],
    apply: Callable[[Tx_contra, S], Awaitable[Outcome]],
    *,
    table: str,
    key_column: str = "id",
) -> Projection[Tx_contra]:
    """`apply` writes the row of `table` whose `key_column` (a UUID) is the aggregate's id; it publishes nothing."""
    return Projection(topic, table, key_column, state, apply)


@dataclass(frozen=True)
class Consumer(Generic[Tx_contra]):
    """`name` is `<service>.<purpose>`: Kafka group, inbox key, dead-letter consumer and metric label, for ever.

    `projects`: the table that is the whole result of this consumer, where there is one. One that acts, or that keeps
    more than the last state, has none: it is never rebuilt.
    """

    name: str
    subscriptions: Sequence[Subscription[Tx_contra]]
    projects: Projection[Tx_contra] | None = None

    @property
    def topics(self) -> list[Topic]:
        """The topics of its events, each once."""
        by_name = {
            subscription.event.contract.topic.name: subscription.event.contract.topic
            for subscription in self.subscriptions
        }
        return [by_name[name] for name in sorted(by_name)]

    @property
    def source(self) -> Topic | None:
        """The topic of which a snapshot is of use to this consumer: the one aggregate topic that it reads."""
        found = [topic for topic in self.topics if topic.sort == "aggregate"]
        return found[0] if len(found) == 1 else None

    def find(self, event: Event | None) -> Subscription[Tx_contra] | None:
        """The subscription of an event, None when this consumer passes over its kind."""
        return next((found for found in self.subscriptions if type(event) is found.event), None)
