"""How many parked keys wait for a person: a gauge, and a line in the health of their consumer."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import Gauge

from chassis.database import Database, driver

LOOK_S = 5.0

WAITING = Gauge("stoa_dead_letters_waiting", "Parked keys whose first event is not tried again by itself", ["consumer"])

_COUNT = """
SELECT consumer, count(*) AS keys, sum(letters)::bigint AS letters, count(*) FILTER (WHERE rests) AS resting FROM (
    SELECT consumer, count(*) AS letters, count(least(retry_at, deadline)) = 0 AS rests
    FROM dead_letters GROUP BY consumer, topic, key) AS parked
GROUP BY consumer
"""


@dataclass(frozen=True, slots=True)
class Parked:
    """What is parked for one consumer: keys, the events in them, and keys that wait for a person."""

    keys: int = 0
    letters: int = 0
    resting: int = 0


async def parked(connection: Any) -> dict[str, Parked]:
    """By consumer; those for whom nothing is parked are left out. `connection` is asyncpg's."""
    rows = await connection.fetch(_COUNT)
    return {row["consumer"]: Parked(row["keys"], row["letters"], row["resting"]) for row in rows}


class Resting:
    """What waits for a person at the consumers of this process, counted again every few seconds."""

    def __init__(self, consumers: Sequence[str]) -> None:
        self._counts = dict.fromkeys(consumers, 0)
        self._next = 0.0

    def line(self, consumer: str) -> str:
        """For the health of a consumer; empty where nothing waits."""
        count = self._counts[consumer]
        return f"{count} parked {'key waits' if count == 1 else 'keys wait'} for a person" if count else ""

    async def look(self, database: Database) -> None:
        """Counts, unless it did so just now."""
        if time.monotonic() < self._next:
            return
        async with database.system_transaction() as connection:
            found = await parked(await driver(connection))
        for consumer in self._counts:
            self._counts[consumer] = found.get(consumer, Parked()).resting
            WAITING.labels(consumer).set(self._counts[consumer])
        self._next = time.monotonic() + LOOK_S
