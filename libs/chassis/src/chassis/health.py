"""What each dependency and worker of a process says of itself, and the two routes that tell it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How well something does its work. The worst of all is the status of the process."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Health:
    """A status and one line for the operator: what is so, and where there is something to do, what."""

    status: Status
    line: str

    @classmethod
    def healthy(cls, line: str = "ok") -> "Health":
        return cls(Status.HEALTHY, line)

    @classmethod
    def degraded(cls, line: str) -> "Health":
        return cls(Status.DEGRADED, line)

    @classmethod
    def unhealthy(cls, line: str) -> "Health":
        return cls(Status.UNHEALTHY, line)


_ORDER = tuple(Status)


def worst(checks: Iterable[Health]) -> Status:
    """The status of the whole: that of its worst part."""
    return max((check.status for check in checks), key=_ORDER.index, default=Status.HEALTHY)
