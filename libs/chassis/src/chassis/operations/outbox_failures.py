"""What an operator is refused with the outbox."""

from dataclasses import dataclass
from typing import ClassVar

from chassis.core import Failure, Kind


@dataclass(frozen=True)
class BrokerNotLost(Failure):
    """`--lost-broker`, but the broker is the one that the outbox was sent to."""

    cluster_id: str
    slug: ClassVar[str] = "broker-not-lost"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The broker is the one that is known: it has not lost its data"

    @property
    def detail(self) -> str:
        return f"The broker's cluster id is {self.cluster_id}, as known. To send again anyway, name a time (since)."


@dataclass(frozen=True)
class TopicsMissing(Failure):
    """There would be nothing to send to."""

    topics: tuple[str, ...]
    slug: ClassVar[str] = "topics-missing"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The broker does not have the topics"

    @property
    def detail(self) -> str:
        return f"The broker does not have {', '.join(self.topics)}; first run: python -m chassis.kafka.topics"


@dataclass(frozen=True)
class ReplayUnderWay(Failure):
    """Somebody else's holds the lock."""

    slug: ClassVar[str] = "replay-under-way"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "Another replay is under way"


@dataclass(frozen=True)
class BrokerAway(Failure):
    """Its cluster id has to be known before anything is sent to it."""

    slug: ClassVar[str] = "broker-away"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    title: ClassVar[str] = "The broker does not answer"
