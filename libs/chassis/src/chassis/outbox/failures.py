"""Why the outbox does not take what a command would publish."""

from dataclasses import dataclass
from typing import ClassVar

from chassis.core import Failure, Kind

# The topics take 1 MiB; the rest is room for headers and for the framing of a record batch.
MAX_VALUE_BYTES = 900_000


@dataclass(frozen=True)
class TooLarge(Failure):
    """The command is refused because what it would publish does not fit into a message."""

    event: str
    size: int
    slug: ClassVar[str] = "too-large"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "The object is too large"

    @property
    def detail(self) -> str:
        return f"{self.event} would take {self.size} bytes; at most {MAX_VALUE_BYTES} are allowed."


@dataclass(frozen=True)
class OutboxFull(Failure):
    """What would be published cannot be kept until the broker takes it."""

    slug: ClassVar[str] = "outbox-full"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    title: ClassVar[str] = "Too much waits to be published, so nothing can be changed at the moment"

    @property
    def detail(self) -> str:
        return "Too much waits to be published, so nothing can be changed; try again after the time in Retry-After."
