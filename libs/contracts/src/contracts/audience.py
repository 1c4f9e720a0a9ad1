"""Who may see an event live: the values of `ce_audience`, and the functions that kinds choose from."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

ORG: Final = "org"
INTERNAL: Final = "internal"


def to_org(_: object) -> str:
    """Every member of the event's organisation."""
    return ORG


def internal(_: object) -> str:
    """Nobody outside the services."""
    return INTERNAL


def users(ids: Iterable[UUID]) -> str:
    """`users:<id>,<id>`, each id once and in the given order; without any id nobody may see it: `internal`."""
    named = ",".join(dict.fromkeys(map(str, ids)))
    return f"users:{named}" if named else INTERNAL
