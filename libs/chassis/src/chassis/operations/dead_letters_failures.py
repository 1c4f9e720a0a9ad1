"""What an operator is refused with dead letters."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from chassis.core import Failure, Kind


@dataclass(frozen=True)
class NoDeadLetter(Failure):
    """Never parked, or settled meanwhile: applied, refused or discarded."""

    number: int
    slug: ClassVar[str] = "no-dead-letter"
    kind: ClassVar[Kind] = Kind.NOT_FOUND
    title: ClassVar[str] = "There is no such dead letter"

    @property
    def detail(self) -> str:
        return f"There is no dead letter {self.number}: it was applied or discarded, or never was."


@dataclass(frozen=True)
class CommandIsAnswered(Failure):
    number: int
    deadline: datetime
    slug: ClassVar[str] = "command-is-answered"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "A command is answered at its deadline, not by hand"

    @property
    def detail(self) -> str:
        when = self.deadline.isoformat(timespec="seconds")
        return f"Dead letter {self.number} is a command: it is refused by itself at its deadline, {when}."


@dataclass(frozen=True)
class NotItsTurn(Failure):
    """`first`: the id of the dead letter before it; None: the event with the sequence `awaited` has not arrived."""

    number: int
    first: int | None
    awaited: int
    slug: ClassVar[str] = "not-its-turn"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "Events before this one are not settled"

    @property
    def detail(self) -> str:
        if self.first is not None:
            return f"Dead letter {self.number} waits behind dead letter {self.first}: settle that one first."
        return f"Dead letter {self.number} waits for the event with sequence {self.awaited}, which has not arrived."
