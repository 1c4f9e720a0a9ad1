"""Aggregates record the facts that their changes make true; the repository takes them to the outbox."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True)
class DomainEvent:
    """Base of a service's domain events: noun and past participle, free of anything about the wire."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A domain event with the aggregate's sequence number that it took."""

    event: DomainEvent
    sequence: int


@dataclass(kw_only=True)
class Aggregate:
    """An object that changes as a whole.

    `sequence` counts its events, +1 each. `revision` is its version for clients (the ETag), +1 for each change of what
    reading it shows. `stored_sequence` is what the database holds: the guard of the versioned UPDATE.
    """

    id: UUID
    sequence: int = 0
    revision: int = 0
    stored_sequence: int = field(default=0, init=False, compare=False)
    _recorded: list[Recorded] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.stored_sequence = self.sequence

    def record(self, event: DomainEvent, *, visible: bool = True) -> None:
        """Notes that `event` happened. `visible=False`: what reading the aggregate shows did not change."""
        self.sequence += 1
        self.revision += visible
        self._recorded.append(Recorded(event, self.sequence))

    def take_recorded(self) -> list[Recorded]:
        """The events since the last call, in order; the aggregate counts as stored afterwards."""
        taken, self._recorded = self._recorded, []
        self.stored_sequence = self.sequence
        return taken
