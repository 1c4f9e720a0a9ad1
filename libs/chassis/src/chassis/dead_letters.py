"""Parking: events that cannot be applied now wait here, in order per key, while other keys flow.

Whoever parks, retries or settles locks the row of `parked_keys` first, then the inbox row, and reads again. Whoever
applies an event that just came moves the inbox row first and then looks whether the key is parked, without any lock.
Only the first of a key is tried, whichever of them is due.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chassis.kafka.arrival import Arrival
from contracts.topics import Topic

RETRY_SPAN = timedelta(seconds=30)
"""How long an event that waits for another is tried again by itself."""

_LONGEST_ERROR = 2000

_OPEN_KEY = """
INSERT INTO parked_keys AS p (consumer, topic, key) VALUES ($1, $2, $3)
ON CONFLICT (consumer, topic, key) DO UPDATE SET parked_at = p.parked_at
"""
_LOCK_KEY = "SELECT true FROM parked_keys WHERE consumer = $1 AND topic = $2 AND key = $3 FOR UPDATE"
_TRY_LOCK_KEY = _LOCK_KEY + " SKIP LOCKED"
_ANY_PARKED = """
SELECT EXISTS (
    SELECT FROM parked_keys JOIN unnest($2::text[], $3::text[]) AS k (topic, key) USING (topic, key)
    WHERE consumer = $1)
"""
_PARK = """
INSERT INTO dead_letters (consumer, topic, key, event_id, sequence, kind, kafka_partition, kafka_offset, headers,
                          raw_key, value, error, attempts, retry_at, retry_until, deadline)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
        now() + $14::interval, now() + $15::interval, $16)
ON CONFLICT DO NOTHING
"""
_OF_KEY = "consumer = $1 AND topic = $2 AND key = $3"
# Whatever is past its deadline goes first: it will be refused, so no order is broken. Then aggregate events by
# sequence; what has none (records, bytes that are no event) in order of arrival.
_HEAD = f"""
SELECT *, deadline <= now() AS late, retry_until <= now() AS given_up, now() - parked_at AS waited,
    EXISTS (SELECT FROM dead_letters WHERE {_OF_KEY} AND least(retry_at, deadline) <= now()) AS due
FROM dead_letters WHERE id = coalesce(
    (SELECT id FROM dead_letters WHERE {_OF_KEY} AND deadline <= now() ORDER BY id LIMIT 1),
    (SELECT id FROM dead_letters WHERE {_OF_KEY} ORDER BY sequence NULLS LAST, id LIMIT 1))
"""  # noqa: S608  made of constants
_WAKE_HEAD = f"""
UPDATE dead_letters SET retry_at = now(), retry_until = now() + $4::interval
WHERE id = (SELECT id FROM dead_letters WHERE {_OF_KEY} ORDER BY sequence NULLS LAST, id LIMIT 1)
"""  # noqa: S608  made of constants
_REMOVE = "DELETE FROM dead_letters WHERE id = $1"
_OPEN_KEYS = """
INSERT INTO parked_keys AS p (consumer, topic, key) SELECT $1, $2, key FROM unnest($3::text[]) AS key ORDER BY key
ON CONFLICT (consumer, topic, key) DO UPDATE SET parked_at = p.parked_at
"""
_REMOVE_UNTIL = """
DELETE FROM dead_letters AS d USING unnest($3::text[], $4::bigint[]) AS until (key, sequence)
WHERE d.consumer = $1 AND d.topic = $2 AND d.key = until.key AND d.sequence <= until.sequence
"""
_CLOSE_KEYS = """
DELETE FROM parked_keys AS p WHERE consumer = $1 AND topic = $2 AND key = ANY($3::text[])
    AND NOT EXISTS (SELECT FROM dead_letters AS d WHERE (d.consumer, d.topic, d.key) = (p.consumer, p.topic, p.key))
"""
_STILL_PARKED = "SELECT key FROM parked_keys WHERE consumer = $1 AND topic = $2 AND key = ANY($3::text[])"
# A refusal that itself fails is tried again in a while: the deadline stays passed. And who made the event due while it
# was tried (a person, or the event that it waited for) wants another try, whatever came of this one.
_POSTPONE = """
UPDATE dead_letters SET
    retry_at = CASE WHEN retry_at IS NOT DISTINCT FROM $5 THEN now() + $2::interval ELSE retry_at END,
    attempts = attempts + $3,
    error = $4,
    deadline = CASE WHEN deadline <= now() THEN now() + interval '5 s' ELSE deadline END
WHERE id = $1
"""
_STILL = """
UPDATE dead_letters AS d SET retry_at = NULL FROM dead_letters AS tried
WHERE d.consumer = $1 AND d.topic = $2 AND d.key = $3 AND d.retry_at IS NOT NULL AND tried.id = $4
    AND (d.sequence IS NULL, coalesce(d.sequence, 0), d.id)
        > (tried.sequence IS NULL, coalesce(tried.sequence, 0), tried.id)
"""
_DUE = """
SELECT consumer, topic, key, extract(epoch FROM least(retry_at, deadline) - now())::float AS seconds
FROM dead_letters WHERE least(retry_at, deadline) IS NOT NULL AND consumer = ANY($1::text[])
ORDER BY least(retry_at, deadline) LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A parked event. `due`, `late`, `given_up` and `waited` are as of the reading transaction's clock.

    `due`: something of its key is to be tried. `late`: past its deadline. `given_up`: past the span of its retries.
    `attempts` counts the handler's exceptions. `retry_at`: when it itself was to be tried; None: not by itself.
    """

    id: int
    arrival: Arrival
    attempts: int
    retry_at: datetime | None
    due: bool
    late: bool
    given_up: bool
    waited: timedelta


@dataclass(frozen=True, slots=True)
class DueKey:
    """A parked key with an event to try in so many seconds; zero or less: now."""

    consumer: str
    topic: str
    key: str
    seconds: float


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """One consumer's parked events. `connection` is always the asyncpg connection of the caller's transaction."""

    consumer: str
    topics: Mapping[str, Topic]

    async def lock(self, connection: Any, topic: str, key: str) -> bool:
        """Whether the key is parked; if so its row is locked until the transaction ends."""
        return bool(await connection.fetchval(_LOCK_KEY, self.consumer, topic, key))

    async def any_parked(self, connection: Any, keys: Sequence[tuple[str, str]]) -> bool:
        """Whether one of these (topic, key) is parked, as of now. Nothing is locked."""
        topics, names = [topic for topic, _ in keys], [key for _, key in keys]
        return bool(await connection.fetchval(_ANY_PARKED, self.consumer, topics, names))

    async def try_lock(self, connection: Any, topic: str, key: str) -> bool:
        """Locks a parked key, unless it is gone or another process works on it."""
        return bool(await connection.fetchval(_TRY_LOCK_KEY, self.consumer, topic, key))

    async def open_key(self, connection: Any, topic: str, key: str) -> None:
        """Parks the key, if it is not, and locks its row."""
        await connection.execute(_OPEN_KEY, self.consumer, topic, key)

    async def add(
        self,
        connection: Any,
        arrival: Arrival,
        error: str,
        *,
        attempts: int,
        retry_in: timedelta | None,
        deadline: datetime | None,
    ) -> bool:
        """Adds an event to its parked key; False when it lies there already. `retry_in` None: waits for its turn."""
        when = (retry_in, RETRY_SPAN, deadline)
        done = await connection.execute(_PARK, self.consumer, *_columns(arrival), _storable(error), attempts, *when)
        return not done.endswith(" 0")

    async def head(self, connection: Any, topic: str, key: str) -> DeadLetter | None:
        """The event of the key whose turn it is."""
        row = await connection.fetchrow(_HEAD, self.consumer, topic, key)
        if row is None:
            return None
        flags = (bool(row["due"]), bool(row["late"]), bool(row["given_up"]))
        arrival = _unpack(row, self.topics[topic])
        return DeadLetter(row["id"], arrival, row["attempts"], row["retry_at"], *flags, row["waited"])

    async def settle(self, connection: Any, letter: DeadLetter) -> None:
        """Removes a settled event and lets the next of its key be tried at once."""
        await self.remove(connection, letter.id, letter.arrival.topic, letter.arrival.key)

    async def remove(self, connection: Any, number: int, topic: str, key: str) -> None:
        """The same by its id. The key is locked."""
        await connection.execute(_REMOVE, number)
        await self.wake_head(connection, topic, key)
        await self.close_key(connection, topic, key)

    async def open_keys(self, connection: Any, topic: str, keys: Sequence[str]) -> None:
        """Parks all of them and locks their rows: nobody can park behind their backs until the transaction ends."""
        await connection.execute(_OPEN_KEYS, self.consumer, topic, keys)

    async def settle_until(self, connection: Any, topic: str, sequences: Mapping[str, int]) -> None:
        """Removes each key's events up to its sequence, which a snapshot contains; what is left is tried at once."""
        given = (list(sequences), list(sequences.values()))
        await connection.execute(_REMOVE_UNTIL, self.consumer, topic, *given)
        await self.close_keys(connection, topic, given[0])
        for row in await connection.fetch(_STILL_PARKED, self.consumer, topic, given[0]):
            await self.wake_head(connection, topic, row["key"])

    async def close_keys(self, connection: Any, topic: str, keys: Sequence[str]) -> None:
        """Unparks those behind which nothing is left."""
        await connection.execute(_CLOSE_KEYS, self.consumer, topic, keys)

    async def wake_head(self, connection: Any, topic: str, key: str) -> None:
        """Lets the first event of the key be tried at once, with a fresh span for its retries."""
        await connection.execute(_WAKE_HEAD, self.consumer, topic, key, RETRY_SPAN)

    async def postpone(
        self, connection: Any, letter: DeadLetter, error: str, *, retry_in: timedelta | None, failed: bool
    ) -> None:
        """Notes a try that settled nothing. `retry_in` None: it waits for a person. Discarded meanwhile: nothing.

        What waits behind it waits for its turn; what came before it meanwhile is left alone.
        """
        told = (int(failed), _storable(error), letter.retry_at)
        done = await connection.execute(_POSTPONE, letter.id, retry_in, *told)
        if not done.endswith(" 0"):  # else the next of its key is due now, and stays so
            await connection.execute(_STILL, self.consumer, letter.arrival.topic, letter.arrival.key, letter.id)

    async def close_key(self, connection: Any, topic: str, key: str) -> None:
        """Unparks the key if nothing is left behind it."""
        await self.close_keys(connection, topic, [key])


async def due_keys(connection: Any, consumers: Sequence[str], most: int = 100) -> list[DueKey]:
    """Keys with an event to try, now or later, the earliest first; a key appears once for each such event."""
    return [DueKey(*row) for row in await connection.fetch(_DUE, consumers, most)]


def _storable(text: str) -> str:
    """PostgreSQL takes neither NUL nor half a surrogate pair; and nobody reads the end of a long message."""
    return text.replace("\x00", "\\x00").encode(errors="backslashreplace").decode()[:_LONGEST_ERROR]


def _columns(arrival: Arrival) -> tuple[Any, ...]:
    """From `topic` to `value`, in the order of the table."""
    position = (arrival.partition, arrival.offset)
    identity = (arrival.topic, arrival.key, arrival.event_id, arrival.sequence, arrival.kind)
    return (*identity, *position, _pack(arrival.headers), arrival.raw_key, arrival.value)


def _pack(headers: Sequence[tuple[str, bytes | None]]) -> list[bytes | None]:
    """Name, value, name, value …; a name goes as UTF-8, a null value as null."""
    return [part for name, value in headers for part in (name.encode(), value)]


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
    headers: Sequence[tuple[str, bytes | None]]
    partition: int
    offset: int
