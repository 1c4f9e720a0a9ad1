"""What an owner declares about the snapshots of its topics, and the kinds that they are made of."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.event import Part
from contracts.registry import find
from contracts.snapshots.v1 import Begun, Captured, Ended
from contracts.topics import Topic


@dataclass(frozen=True, slots=True)
class Standing:
    """An aggregate as it stands: the number of its last event, and its public state; None for one that was deleted."""

    key: UUID
    sequence: int
    org_id: UUID | None
    state: Part | None


@dataclass(frozen=True)
class SnapshotSource:
    """`read` yields every aggregate of the topic, tombstones included, by a cursor.

    It is given a connection of the system role in a transaction that sees one moment of the database.
    """

    topic: Topic
    read: Callable[[AsyncConnection], AsyncIterator[Standing]]


@dataclass(frozen=True)
class SnapshotKinds:
    """The three messages of an owner's snapshots, as its contracts declare them."""

    begun: type[Begun]
    captured: type[Captured]
    ended: type[Ended]

    @classmethod
    def of(cls, owner: str) -> "SnapshotKinds | None":
        """None for an owner that declares none."""
        begun, captured, ended = (
            find(f"{owner}.{name}", 1) for name in ("snapshot-begun", "aggregate-captured", "snapshot-ended")
        )
        if begun is None or captured is None or ended is None:
            return None
        if issubclass(begun, Begun) and issubclass(captured, Captured) and issubclass(ended, Ended):
            return cls(begun, captured, ended)
        return None

    @property
    def topic(self) -> Topic:
        return self.begun.contract.topic
