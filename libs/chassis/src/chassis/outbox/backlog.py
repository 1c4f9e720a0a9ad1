"""How much waits in the outbox, and the limit on it.

Whoever appends only reads a flag; a component of each process measures every two seconds, at a cost that does not
grow with what waits. What a replay sends again does not count: it was stored before, and refusing writes frees nothing.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog
from prometheus_client import Gauge

from chassis.database import is_passing
from chassis.health import Health
from chassis.outbox.store import OutboxStore

log = structlog.get_logger("outbox")

_LOOK_S = 2.0
_COUNTED = 10_000
_POINTS = 1_000
_WORTH_A_LOOK = 0.1
_ROOM_AGAIN = 0.9

ROWS = Gauge("stoa_outbox_unsent_rows", "Messages that wait to be sent; an estimate beyond 10,000")
BYTES = Gauge("stoa_outbox_unsent_bytes", "Their size; an estimate beyond 10,000 messages")
OLDEST = Gauge("stoa_outbox_oldest_seconds", "Age of the oldest message that waits; 0 when none does")

_THROUGH = "(SELECT coalesce(max(replayed_through), 0) FROM broker)"
_NEW = f"sent_at IS NULL AND id > {_THROUGH}"
_AGAIN = f"sent_at IS NULL AND id <= {_THROUGH}"
_SIZE = "octet_length(value) + pg_column_size(headers)"


def _count(which: str) -> str:
    return f"""
    SELECT count(*) AS rows, coalesce(sum(size), 0)::bigint AS bytes,
        coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_s
    FROM (SELECT created_at, {_SIZE} AS size FROM outbox WHERE {which} ORDER BY id LIMIT $1) AS unsent
    """  # noqa: S608  made of constants


def _estimate(which: str) -> str:
    """A random id out of each of many equal parts of the span: the share of those that wait is that of all."""
    return f"""
    WITH span AS (
        SELECT (SELECT min(id) FROM outbox WHERE {which}) AS low, (SELECT max(id) FROM outbox WHERE {which}) AS high),
    points AS (
        SELECT low + floor((high - low + 1) * (part - random()) / $1)::bigint AS id
        FROM span, generate_series(1, $1::int) AS part)
    SELECT (count(size) * (high - low + 1) / $1)::bigint AS rows,
        (coalesce(sum(size), 0) * (high - low + 1) / $1)::bigint AS bytes
    FROM span, points AS p LEFT JOIN LATERAL (
        SELECT {_SIZE} AS size FROM outbox WHERE id = p.id AND sent_at IS NULL LIMIT 1) AS o ON true
    WHERE low IS NOT NULL GROUP BY low, high
    """  # noqa: S608  made of constants


@dataclass(frozen=True, slots=True)
class Unsent:
    """What waits: rows, bytes, and the age of the oldest in seconds (0 when none does)."""

    rows: int
    bytes: int
    oldest_s: float

    def __str__(self) -> str:
        return f"{self.rows:,} messages ({self.bytes / 1e6:,.1f} MB) wait, the oldest for {self.oldest_s:,.0f} s"


@dataclass(frozen=True, slots=True)
class Limit:
    """How much may wait, in rows and in bytes."""

    rows: int
    bytes: int

    def reached(self, found: Unsent, share: float = 1.0) -> bool:
        """Whether as much waits as this share of the limit."""
        return found.rows >= self.rows * share or found.bytes >= self.bytes * share

    def __str__(self) -> str:
        return f"{self.rows:,} messages or {self.bytes / 1e6:,.0f} MB"


async def measure(connection: Any, *, again: bool = False) -> Unsent:
    """What waits to be sent for the first time, or `again`, after a replay. `connection` is asyncpg's.

    Counts up to 10,000 rows; beyond, estimates from a thousand samples (within a few per cent).
    """
    which = _AGAIN if again else _NEW
    found = counted = await connection.fetchrow(_count(which), _COUNTED)
    if counted["rows"] == _COUNTED:
        found = await connection.fetchrow(_estimate(which), _POINTS) or counted
    return Unsent(found["rows"], found["bytes"], counted["oldest_s"])


class Backlog:
    """Measures the outbox for as long as the process lives, in every process, and closes it while it is full.

    Degraded from a tenth of the limit on. There is room again below nine tenths.
    """

    name = "outbox"

    def __init__(self, system_dsn: str, outbox: OutboxStore, limit: Limit, *, service: str) -> None:
        self._dsn = system_dsn
        self._outbox = outbox
        self._limit = limit
        self._application = f"{service}.outbox"
        self._health = Health.unhealthy("not measured yet")
        self._connection: Any = None

    def health(self) -> Health:
        return self._health

    async def run(self) -> None:
        try:
            while True:
                await self._look()
                await asyncio.sleep(_LOOK_S)
        finally:
            self._drop()

    async def _look(self) -> None:
        try:
            if self._connection is None:
                self._connection = await asyncpg.connect(
                    self._dsn, timeout=5, command_timeout=10, server_settings={"application_name": self._application}
                )
            self._tell(await measure(self._connection))
        except Exception as error:
            if not is_passing(error):
                raise
            self._health = Health.degraded(f"not measured, waits for the database: {type(error).__name__}")
            self._drop()

    def _tell(self, found: Unsent) -> None:
        ROWS.set(found.rows)
        BYTES.set(found.bytes)
        OLDEST.set(found.oldest_s)
        full = self._limit.reached(found, _ROOM_AGAIN if self._outbox.full else 1.0)
        if full != self._outbox.full:
            log.warning("outbox-full" if full else "outbox-has-room", rows=found.rows, bytes=found.bytes)
        self._outbox.full = full
        if full:
            self._health = Health.degraded(f"full, writes are refused: {found}; the limit is {self._limit}")
        elif self._limit.reached(found, _WORTH_A_LOOK):
            self._health = Health.degraded(f"{found}; beyond {self._limit} writes are refused")
        else:
            self._health = Health.healthy(str(found) if found.rows else "nothing waits")

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
