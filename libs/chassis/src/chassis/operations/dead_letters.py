"""Dead letters for a person: what is parked and why, and another try for it.

A redrive makes the first event of a key due at once, with a fresh span and fresh tries; the running service then
applies it, and what waits behind it follows in order. It is applied once, however often it is redriven. A command is
never redriven by hand: it is answered at its deadline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.dead_letters import RETRY_SPAN

# Each condition counts only where its parameter is given.
_CHOSEN = """
($1::bigint IS NULL OR w.id = $1) AND ($2::text IS NULL OR w.consumer = $2)
    AND ($3::text IS NULL OR w.topic = $3) AND ($4::text IS NULL OR w.key = $4)
"""
_LIST = f"SELECT w.* FROM dead_letters AS w WHERE {_CHOSEN} ORDER BY w.id LIMIT $5"  # noqa: S608  made of constants
_LOCK = f"""
SELECT FROM parked_keys AS p WHERE EXISTS (
    SELECT FROM dead_letters AS w WHERE (w.consumer, w.topic, w.key) = (p.consumer, p.topic, p.key) AND {_CHOSEN})
ORDER BY consumer, topic, key FOR UPDATE
"""  # noqa: S608  made of constants
_REDRIVE = f"""
WITH heads AS (
    SELECT DISTINCT ON (d.consumer, d.topic, d.key) d.id, d.deadline FROM dead_letters AS d
    WHERE EXISTS (
        SELECT FROM dead_letters AS w WHERE (w.consumer, w.topic, w.key) = (d.consumer, d.topic, d.key) AND {_CHOSEN})
    ORDER BY d.consumer, d.topic, d.key, d.sequence NULLS LAST, d.id)
UPDATE dead_letters AS d SET retry_at = now(), retry_until = now() + $5::interval, attempts = 0
FROM heads WHERE d.id = heads.id AND heads.deadline IS NULL
RETURNING d.id
"""  # noqa: S608  made of constants


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which dead letters are meant: one, those of a consumer, topic or key, or all where nothing is given."""

    id: int | None = None
    consumer: str | None = None
    topic: str | None = None
    key: str | None = None

    @property
    def parameters(self) -> tuple[int | None, str | None, str | None, str | None]:
        return self.id, self.consumer, self.topic, self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A dead letter as a person sees it. `retry_at` None: it waits for one."""

    id: int
    consumer: str
    topic: str
    key: str
    event_id: str
    sequence: int | None
    kind: str | None
    position: str
    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None
    error: str
    attempts: int
    retry_at: datetime | None
    deadline: datetime | None
    parked_at: datetime


async def found(connection: Any, choice: Choice, *, most: int = 100) -> list[Listed]:
    """The chosen dead letters, the oldest first. `connection` is asyncpg's, under the system role."""
    return [_listed(row) for row in await connection.fetch(_LIST, *choice.parameters, most)]


async def redrive(connection: Any, choice: Choice) -> list[int]:
    """Makes the first event of each chosen key due; answers their ids. Commands are left out."""
    async with connection.transaction():
        await connection.fetch(_LOCK, *choice.parameters)
        return [row["id"] for row in await connection.fetch(_REDRIVE, *choice.parameters, RETRY_SPAN)]


def _listed(row: Any) -> Listed:
    same = ("id", "consumer", "topic", "key", "event_id", "sequence", "kind", "value", "error", "attempts")
    times = ("retry_at", "deadline", "parked_at")
    packed = row["headers"]
    return Listed(
        **{name: row[name] for name in same + times},
        position=f"{row['kafka_partition']}/{row['kafka_offset']}",
        headers=[(packed[i].decode(), packed[i + 1]) for i in range(0, len(packed), 2)],
    )
