"""Rebuilds as rows: an operator asks, the service's component `rebuilds` works them off, they stay as its record."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

from chassis.core import new_id

MOST_KEYS = 100
"""So many differing keys are kept by name."""


class Mode(StrEnum):
    """What is done with a snapshot.

    `rebuild`: every row is written anew, and rows of nothing are removed. `check`: nothing is changed. `seed`: only
    aggregates that the consumer never met are taken; what happened to them before has no effect here.
    """

    REBUILD = "rebuild"
    CHECK = "check"
    SEED = "seed"


class Effect(Enum):
    """What became of an item. `DIFFERED`: applied, or in a check comparable, and the row was not what it should be."""

    APPLIED = "applied"
    DIFFERED = "differed"
    NEWER = "newer"
    LAGGING = "lagging"


_SUPERSEDE = "UPDATE rebuilds SET ended_at = now(), error = $2 WHERE consumer = $1 AND ended_at IS NULL"
_ASK = "INSERT INTO rebuilds (id, consumer, topic, mode) VALUES ($1, $2, $3, $4)"
_FIELDS = """
id, consumer, topic, mode, asked_at, requested_at, snapshot_id, items, applied, newer, lagging, differing,
differing_keys, error, ended_at
"""
_OPEN = f"""
SELECT {_FIELDS} FROM rebuilds WHERE ended_at IS NULL AND consumer = ANY($1::text[]) ORDER BY asked_at, id
"""  # noqa: S608  made of constants
_FIND = f"SELECT {_FIELDS} FROM rebuilds WHERE id = $1"  # noqa: S608  made of constants
_LAST = f"""
SELECT DISTINCT ON (consumer) {_FIELDS} FROM rebuilds WHERE consumer = ANY($1::text[])
ORDER BY consumer, asked_at DESC, id DESC
"""  # noqa: S608  made of constants
_NOTE = """
UPDATE rebuilds SET snapshot_id = $2, items = $3, applied = $4, newer = $5, lagging = $6, differing = $7,
    differing_keys = $8
WHERE id = $1 AND ended_at IS NULL
"""
_END = "UPDATE rebuilds SET ended_at = now(), error = $2 WHERE id = $1 AND ended_at IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild:
    """One row. `applied`, `newer` and `lagging` count items; `differing` counts rows.

    `newer`: left alone, for the consumer is past them. `lagging`: the consumer has not read so far. `differing`: rows
    that were not what the state makes of them at the same sequence, or that stand for nothing; a rebuild has mended
    them. `error`: why it ended without its effect; None while it goes on, and after a good end.
    """

    id: UUID
    consumer: str
    topic: str
    mode: Mode
    asked_at: datetime
    requested_at: datetime | None
    snapshot_id: UUID | None
    items: int
    applied: int
    newer: int
    lagging: int
    differing: int
    differing_keys: Sequence[str]
    error: str | None
    ended_at: datetime | None

    @property
    def status(self) -> str:
        """`asked`, `running`, `done` or `failed`."""
        if self.ended_at is not None:
            return "done" if self.error is None else "failed"
        return "asked" if self.snapshot_id is None else "running"


@dataclass(slots=True)
class Progress:
    """How far one snapshot has come in one rebuild."""

    rebuild: Rebuild
    snapshot_id: UUID
    items: int = 0
    applied: int = 0
    newer: int = 0
    lagging: int = 0
    differing: int = 0
    differing_keys: list[str] = field(default_factory=list)

    def count(self, key: str, effect: Effect) -> None:
        """Notes what became of an item."""
        self.items += 1
        self.newer += effect is Effect.NEWER
        self.lagging += effect is Effect.LAGGING
        self.applied += effect in (Effect.APPLIED, Effect.DIFFERED)
        if effect is Effect.DIFFERED:
            self.differs(key)

    def differs(self, key: str) -> None:
        """Notes a row that was not what it should be."""
        self.differing += 1
        if len(self.differing_keys) < MOST_KEYS:
            self.differing_keys.append(key)


async def ask(connection: Any, consumer: str, topic: str, mode: Mode) -> UUID:
    """Notes the wish, in the caller's transaction; one of the same consumer that has not ended gives way to it."""
    id_ = new_id()
    await connection.execute(_SUPERSEDE, consumer, f"gave way to {id_}")
    await connection.execute(_ASK, id_, consumer, topic, mode.value)
    return id_


async def unfinished(connection: Any, consumers: Sequence[str]) -> list[Rebuild]:
    """The oldest first."""
    return [_rebuild(row) for row in await connection.fetch(_OPEN, consumers)]


async def find(connection: Any, id_: UUID) -> Rebuild | None:
    row = await connection.fetchrow(_FIND, id_)
    return _rebuild(row) if row is not None else None


async def last_ones(connection: Any, consumers: Sequence[str]) -> dict[str, Rebuild]:
    """The newest of each consumer that has one."""
    return {row["consumer"]: _rebuild(row) for row in await connection.fetch(_LAST, consumers)}


async def note(connection: Any, progress: Progress) -> None:
    """Writes down how far it has come."""
    counts = (progress.items, progress.applied, progress.newer, progress.lagging, progress.differing)
    await connection.execute(_NOTE, progress.rebuild.id, progress.snapshot_id, *counts, progress.differing_keys)


async def end(connection: Any, id_: UUID, error: str | None = None) -> None:
    await connection.execute(_END, id_, error)


def _rebuild(row: Any) -> Rebuild:
    return Rebuild(**{**row, "mode": Mode(row["mode"])})
