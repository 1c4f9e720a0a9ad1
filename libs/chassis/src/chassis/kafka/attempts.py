"""Events that end their process (out of memory, a crash in a C extension) are found by the rows that they leave.

A row is committed before an event is tried, and removed by whatever becomes of it but the death of the process. A kill
from outside, by a deployment or an operator, leaves such rows too. So the count is per event, a process adds at most
one to it, and an event that was under way at a kill is tried alone from then on: no other event that is counted is
tried in the process meanwhile. Only three kills in a row on the very same event, the last two of them while it was
alone, put it aside.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog

from chassis.database import Database, driver, is_passing
from chassis.kafka.arrival import Arrival

KILLS = 3

log = structlog.get_logger("consumer")

_MARK = """
WITH batch AS (SELECT DISTINCT * FROM unnest($2::text[], $3::text[]) AS b (topic, event_id)),
known AS (SELECT FROM attempts JOIN batch USING (topic, event_id) WHERE consumer = $1),
begun AS (
    INSERT INTO attempts (consumer, topic, event_id)
    SELECT $1, topic, event_id FROM batch WHERE NOT EXISTS (SELECT FROM known) ON CONFLICT DO NOTHING)
SELECT NOT EXISTS (SELECT FROM known)
"""
_BEGIN = f"""
INSERT INTO attempts AS a (consumer, topic, event_id) VALUES ($1, $2, $3)
ON CONFLICT (consumer, topic, event_id) DO UPDATE SET tries = a.tries + 1, begun_at = now() WHERE a.tries < {KILLS}
RETURNING tries
"""  # noqa: S608  made of constants
_END = """
DELETE FROM attempts USING unnest($2::text[], $3::text[]) AS b (topic, event_id)
WHERE consumer = $1 AND attempts.topic = b.topic AND attempts.event_id = b.event_id
"""


class KillsItsProcess(Exception):
    """The event was under way each time when its process died."""

    def __init__(self) -> None:
        super().__init__(f"killed its process {KILLS} times")


class Attempts:
    """The attempts of one consumer by one task. `lock` is the same for all tasks of the process.

    Outside `together` and `alone` nothing is counted and nothing is written.
    """

    def __init__(self, consumer: str, database: Database, lock: asyncio.Lock) -> None:
        self._consumer = consumer
        self._database = database
        self._lock = lock
        self._counts = False
        self._mine: set[tuple[str, str]] = set()

    @asynccontextmanager
    async def together(self, arrivals: Sequence[Arrival]) -> AsyncIterator[bool]:
        """One row for each of a batch, in one statement. False, and no rows, if one was under way at a kill."""
        keys = [(arrival.topic, arrival.event_id) for arrival in arrivals]
        async with self._swept():
            async with self._database.system_transaction() as connection:
                raw = await driver(connection)
                fresh = bool(await raw.fetchval(_MARK, self._consumer, *_columns(keys)))
            self._mine.update(keys if fresh else [])
            yield fresh

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """What is begun inside is counted, and no other event of this process that is counted is tried meanwhile."""
        async with self._lock, self._swept():
            self._counts = True
            try:
                yield
            finally:
                self._counts = False

    async def begin(self, arrival: Arrival) -> None:
        """To be called before the handler, from whatever transaction: the row is committed on another connection.

        Raises KillsItsProcess at the fourth time, and leaves the row.
        """
        key = (arrival.topic, arrival.event_id)
        if not self._counts or key in self._mine:
            return
        async with self._database.system_transaction() as connection:
            tries = await (await driver(connection)).fetchval(_BEGIN, self._consumer, *key)
        if tries is None:
            raise KillsItsProcess
        self._mine.add(key)

    async def end(self, connection: Any, arrivals: Sequence[Arrival]) -> None:
        """Removes the rows in the transaction that settles the events; `ended` is to follow its commit."""
        if self._counts or self._mine:
            await self.forget(connection, arrivals)

    async def forget(self, connection: Any, arrivals: Sequence[Arrival]) -> None:
        """Removes what a process that died has left of events that turn out to be applied."""
        if arrivals:
            keys = [(arrival.topic, arrival.event_id) for arrival in arrivals]
            await connection.execute(_END, self._consumer, *_columns(keys))

    def ended(self, arrivals: Sequence[Arrival]) -> None:
        """The transaction with `end` is committed."""
        if self._mine:
            self._mine.difference_update((arrival.topic, arrival.event_id) for arrival in arrivals)

    @asynccontextmanager
    async def _swept(self) -> AsyncIterator[None]:
        """Removes at the end what was begun and not ended: refused by a rollback, parked, cancelled."""
        await self._sweep()
        try:
            yield
        finally:
            try:
                await self._sweep()
            except Exception as error:
                if not is_passing(error):
                    raise
                # They stay this process' own, so they are not counted again, and the next sweep takes them.
                log.warning("attempts-stay", consumer=self._consumer, error=type(error).__name__)

    async def _sweep(self) -> None:
        if not self._mine:
            return
        async with self._database.system_transaction() as connection:
            await (await driver(connection)).execute(_END, self._consumer, *_columns(list(self._mine)))
        self._mine.clear()


def _columns(keys: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [topic for topic, _ in keys], [event_id for _, event_id in keys]
