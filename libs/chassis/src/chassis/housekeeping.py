"""Deletes what has had its time: sent messages, the memory of applied records, stored answers, what a service names.

In small batches, each a transaction of its own that passes over rows which others hold, so that no write waits for it.
Each of these tables grows in the order of time, so that a BRIN index finds its old rows.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from prometheus_client import Counter

from chassis.database import Database, driver, is_passing
from chassis.health import Health
from chassis.kafka.consumer import Consumer

log = structlog.get_logger("housekeeping")

_ROUND_S = 600.0
_PAUSE_S = 0.05
_BATCH = 1_000

_DELETED = Counter("stoa_housekeeping_deleted_total", "Rows deleted because their time was over", ["table"])


@dataclass(frozen=True, slots=True)
class Keep:
    """A row of `table` goes once `column`, a time, is longer ago than `kept`; one without that time stays, and so does
    one for which the SQL condition `unless` is true; it calls the row `old`."""

    table: str
    column: str
    kept: timedelta
    unless: str = "false"

    @property
    def delete(self) -> str:
        """Deletes a batch. Parameters: `kept`, and how many at most."""
        return f"""
        DELETE FROM {self.table} WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM {self.table} AS old WHERE {self.column} < now() - $1::interval AND NOT ({self.unless})
            LIMIT $2 FOR UPDATE OF old SKIP LOCKED))
        """  # noqa: S608  made of constants


SENT = Keep("outbox", "sent_at", timedelta(hours=72))
"""So long a broker that lost its disk can be filled again."""
ANSWERS = Keep("idempotency_keys", "created_at", timedelta(hours=24))


def applied(consumers: Iterable[Consumer[Any]]) -> Keep:
    """The memory of applied records: as long as one can come again, from its topic or by a replay of its owner."""
    retained = (topic.retention for consumer in consumers for topic in consumer.topics if topic.sort == "record")
    return Keep("inbox_records", "applied_at", max(retained, default=timedelta()) + SENT.kept)


class Housekeeping:
    """Component. Any number of processes may run one."""

    name = "housekeeping"

    def __init__(self, system: Database, keeps: Sequence[Keep]) -> None:
        self._system = system
        self._keeps = keeps
        self._health = Health.healthy("not looked yet")

    def health(self) -> Health:
        return self._health

    async def run(self) -> None:
        while True:
            try:
                for keep in self._keeps:
                    await self._clear(keep)
                self._health = Health.healthy("nothing is kept for too long")
            except Exception as error:
                if not is_passing(error):
                    raise
                self._health = Health.degraded(f"waits for the database: {type(error).__name__}")
            await asyncio.sleep(_ROUND_S)

    async def _clear(self, keep: Keep) -> None:
        deleted = count = await self._delete(keep)
        while count == _BATCH:
            await asyncio.sleep(_PAUSE_S)
            count = await self._delete(keep)
            deleted += count
        if deleted:
            log.info("rows-deleted", table=keep.table, rows=deleted)

    async def _delete(self, keep: Keep) -> int:
        async with self._system.system_transaction() as connection:
            done: str = await (await driver(connection)).execute(keep.delete, keep.kept, _BATCH)
        count = int(done.rpartition(" ")[2])
        _DELETED.labels(keep.table).inc(count)
        return count
