"""Parking: events that cannot be applied now wait here, in order per key, while other keys flow.

Whoever parks, retries or settles locks the row of `parked_keys` first, then the inbox row, and reads again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chassis.kafka.arrival import Arrival
from contracts.topics import Topic

RETRY_SPAN = timedelta(seconds=30)
"""How long an event that waits for another is tried again by itself."""

_OPEN_KEY = "INSERT INTO parked_keys (consumer, topic, key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_LOCK_KEY = "SELECT true FROM parked_keys WHERE consumer = $1 AND topic = $2 AND key = $3 FOR UPDATE"
_TRY_LOCK_KEY = _LOCK_KEY + " SKIP LOCKED"
_PARK = """
INSERT INTO dead_letters (consumer, topic, key, event_id, sequence, kind, kafka_partition, kafka_offset, headers,
                          raw_key, value, error, retry_at, retry_until, deadline)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
        now() + $13::interval, now() + $14::interval, $15)
ON CONFLICT DO NOTHING
"""
# Aggregate events go by sequence; what has none (records, bytes that are no event) in order of arrival, after them.
_HEAD = """
SELECT *, retry_at <= now() AS due, deadline <= now() AS late, retry_until <= now() AS given_up FROM dead_letters
WHERE consumer = $1 AND topic = $2 AND key = $3 ORDER BY sequence NULLS LAST, id LIMIT 1
"""
_WAKE_HEAD = """
UPDATE dead_letters SET retry_at = now() WHERE id = (
    SELECT id FROM dead_letters WHERE consumer = $1 AND topic = $2 AND key = $3
    ORDER BY sequence NULLS LAST, id LIMIT 1)
"""
_REMOVE = "DELETE FROM dead_letters WHERE id = $1"
_CLOSE_KEY = """
DELETE FROM parked_keys AS p WHERE consumer = $1 AND topic = $2 AND key = $3
    AND NOT EXISTS (SELECT FROM dead_letters AS d WHERE (d.consumer, d.topic, d.key) = (p.consumer, p.topic, p.key))
"""
_POSTPONE = """
UPDATE dead_letters SET retry_at = now() + $2::interval, attempts = attempts + 1, error = $3 WHERE id = $1
"""
_DUE = """
SELECT DISTINCT topic, key FROM dead_letters
WHERE consumer = $1 AND (retry_at <= now() OR deadline <= now()) LIMIT $2
"""
_NEXT_DUE = """
SELECT extract(epoch FROM min(least(retry_at, deadline)) - now())::float FROM dead_letters
WHERE consumer = $1 AND (retry_at IS NOT NULL OR deadline IS NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A parked event. `due`, `late` and `given_up` are as of the reading transaction's clock."""

    id: int
    arrival: Arrival
    attempts: int
    due: bool
    late: bool
    given_up: bool


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """One consumer's parked events. `connection` is always the asyncpg connection of the caller's transaction."""

    consumer: str
    topics: Mapping[str, Topic]

    async def is_parked(self, connection: Any, topic: str, key: str) -> bool:
        """Whether the key is parked; if so its row is locked until the transaction ends."""
        return bool(await connection.fetchval(_LOCK_KEY, self.consumer, topic, key))

    async def try_lock(self, connection: Any, topic: str, key: str) -> bool:
        """Locks a parked key, unless it is gone or another process works on it."""
        return bool(await connection.fetchval(_TRY_LOCK_KEY, self.consumer, topic, key))

    async def open_key(self, connection: Any, topic: str, key: str) -> None:
        """Parks the key, if it is not, and locks its row."""
        await connection.execute(_OPEN_KEY, self.consumer, topic, key)
        await connection.fetchval(_LOCK_KEY, self.consumer, topic, key)

    async def park(
        self,
        connection: Any,
        arrival: Arrival,
        error: str,
        *,
        retry_in: timedelta | None,
        deadline: datetime | None = None,
    ) -> None:
        """Adds an event to its parked key; once, however often it arrives. `retry_in` None: waits for its turn."""
        await connection.execute(
            _PARK,
            self.consumer,
            arrival.topic,
            arrival.key,
            arrival.event_id,
            arrival.sequence,
            arrival.kind,
            arrival.partition,
            arrival.offset,
            _pack(arrival.headers),
            arrival.raw_key,
            arrival.value,
            error,
            retry_in,
            RETRY_SPAN,
            deadline,
        )

    async def head(self, connection: Any, topic: str, key: str) -> DeadLetter | None:
        """The event of the key whose turn it is."""
        row = await connection.fetchrow(_HEAD, self.consumer, topic, key)
        if row is None:
            return None
        flags = (bool(row["due"]), bool(row["late"]), bool(row["given_up"]))
        return DeadLetter(row["id"], _unpack(row, self.topics[topic]), row["attempts"], *flags)

    async def settle(self, connection: Any, letter: DeadLetter) -> None:
        """Removes a settled event and lets the next of its key be tried at once."""
        await connection.execute(_REMOVE, letter.id)
        await self.wake_head(connection, letter.arrival.topic, letter.arrival.key)
        await self.close_key(connection, letter.arrival.topic, letter.arrival.key)

    async def wake_head(self, connection: Any, topic: str, key: str) -> None:
        await connection.execute(_WAKE_HEAD, self.consumer, topic, key)

    async def postpone(self, connection: Any, letter: DeadLetter, error: str, retry_in: timedelta | None) -> None:
        """Notes a failed try. `retry_in` None: it waits for a person."""
        await connection.execute(_POSTPONE, letter.id, retry_in, error)

    async def due(self, connection: Any, most: int = 100) -> Sequence[tuple[str, str]]:
        """Keys (topic, key) with an event to try now."""
        return [(row["topic"], row["key"]) for row in await connection.fetch(_DUE, self.consumer, most)]

    async def close_key(self, connection: Any, topic: str, key: str) -> None:
        """Unparks the key if nothing is left behind it."""
        await connection.execute(_CLOSE_KEY, self.consumer, topic, key)

    async def seconds_to_next(self, connection: Any) -> float | None:
        """How long until the next try is due; None when nothing waits for one."""
        found: float | None = await connection.fetchval(_NEXT_DUE, self.consumer)
        return found


def _pack(headers: Sequence[tuple[str, bytes]]) -> list[bytes]:
    """Name, value, name, value …; a name goes as UTF-8. A null value, which no client of ours sends, becomes empty."""
    return [part for name, value in headers for part in (name.encode(), value or b"")]


def _unpack(row: Any, topic: Topic) -> Arrival:
    packed = row["headers"]
    headers = [(packed[i].decode(), packed[i + 1]) for i in range(0, len(packed), 2)]
    record = _Stored(row["raw_key"], row["value"], headers, row["kafka_partition"], row["kafka_offset"])
    return Arrival.of(record, topic)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A parked record with the attributes of an aiokafka record."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    partition: int
    offset: int
