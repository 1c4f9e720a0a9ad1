"""The inbox: each consumer's last applied sequence per aggregate, moved in the transaction of the effect.

One row per (consumer, topic, key), so it never needs purging. For records, which have no sequence, one row per event.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_POSITION = "SELECT sequence FROM inbox WHERE consumer = $1 AND topic = $2 AND key = $3 FOR UPDATE"
# What was never met has no row to lock: one that comes and goes within a transaction lets others wait for its end.
_CLAIM = "INSERT INTO inbox (consumer, topic, key, sequence) VALUES ($1, $2, $3, 0) ON CONFLICT DO NOTHING"

_ADVANCE_ONE = "UPDATE inbox SET sequence = $4 WHERE consumer = $1 AND topic = $2 AND key = $3 AND sequence = $4 - 1"
# The first sight of a key must be its sequence 1: a broker that lost its disk may show a later one first.
_FIRST_ONE = """
INSERT INTO inbox (consumer, topic, key, sequence) VALUES ($1, $2, $3, 1) ON CONFLICT DO NOTHING
"""
_POSITIONS = """
SELECT key, sequence FROM inbox WHERE consumer = $1 AND topic = $2 AND key = ANY($3::text[]) ORDER BY key FOR UPDATE
"""
_GIVEN = """
INSERT INTO inbox AS i (consumer, topic, key, sequence)
SELECT $1, $2, key, sequence FROM unnest($3::text[], $4::bigint[]) AS given (key, sequence) ORDER BY key
"""
_REACH = f"""{_GIVEN}
ON CONFLICT (consumer, topic, key) DO UPDATE SET sequence = greatest(i.sequence, excluded.sequence)
RETURNING key, sequence
"""
_BEGIN_AT = f"{_GIVEN} ON CONFLICT DO NOTHING RETURNING key, sequence"
_FORGET = "DELETE FROM inbox WHERE consumer = $1 AND topic = $2 AND key = $3"

_ADVANCE_MANY = """
WITH span AS (SELECT * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) AS s (topic, key, first, last)),
moved AS (
    UPDATE inbox AS i SET sequence = span.last FROM span
    WHERE i.consumer = $1 AND i.topic = span.topic AND i.key = span.key AND i.sequence = span.first - 1
    RETURNING 1),
begun AS (
    INSERT INTO inbox (consumer, topic, key, sequence)
    SELECT $1, topic, key, last FROM span WHERE first = 1 ON CONFLICT DO NOTHING
    RETURNING 1)
SELECT (SELECT count(*) FROM moved) + (SELECT count(*) FROM begun) = (SELECT count(*) FROM span)
"""
_RECORD_MANY = """
WITH fresh AS (
    INSERT INTO inbox_records (consumer, event_id) SELECT $1, unnest($2::uuid[]) ON CONFLICT DO NOTHING RETURNING 1)
SELECT (SELECT count(*) FROM fresh) = cardinality($2::uuid[])
"""
_PASSED = """
SELECT given.number FROM unnest($2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY
    AS given (topic, key, sequence, number)
JOIN inbox AS i ON i.consumer = $1 AND (i.topic, i.key) = (given.topic, given.key) AND i.sequence >= given.sequence
"""
_RECORDED = "SELECT event_id FROM inbox_records WHERE consumer = $1 AND event_id = ANY($2::uuid[])"
_RECORD_ONE = "INSERT INTO inbox_records (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_FORGET_RECORD = "DELETE FROM inbox_records WHERE consumer = $1 AND event_id = $2"


@dataclass(frozen=True, slots=True)
class Span:
    """The events of one aggregate in a batch: sequences `first` to `last` without a gap."""

    topic: str
    key: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Inbox:
    """One consumer's inbox. `connection` is always the asyncpg connection of the caller's transaction."""

    consumer: str

    async def position(self, connection: Any, topic: str, key: str) -> int:
        """The last applied sequence, 0 before the first. Nobody else moves it until the transaction ends."""
        while (found := await connection.fetchval(_POSITION, self.consumer, topic, key)) is None:
            if _changed(await connection.execute(_CLAIM, self.consumer, topic, key)):
                await self.forget(connection, topic, key)
                return 0
        return int(found)

    async def advance(self, connection: Any, topic: str, key: str, sequence: int) -> bool:
        """Moves from `sequence` - 1 to `sequence`; False when the position is another one: read it again."""
        if sequence == 1:
            return _changed(await connection.execute(_FIRST_ONE, self.consumer, topic, key))
        return _changed(await connection.execute(_ADVANCE_ONE, self.consumer, topic, key, sequence))

    async def positions(self, connection: Any, topic: str, keys: Sequence[str]) -> dict[str, int]:
        """The last applied sequences of those of `keys` that were ever met, their rows locked."""
        return dict(await connection.fetch(_POSITIONS, self.consumer, topic, keys))

    async def reach(self, connection: Any, topic: str, sequences: Mapping[str, int]) -> set[str]:
        """Moves each key to its sequence from wherever it was before; answers those that were not past it.

        For snapshots, which state all that happened up to there. All rows are locked, as after `begin_at`.
        """
        return await self._moved(connection, _REACH, topic, sequences)

    async def begin_at(self, connection: Any, topic: str, sequences: Mapping[str, int]) -> set[str]:
        """Takes the sequences as the last applied ones of keys that were never met, and answers those keys."""
        return await self._moved(connection, _BEGIN_AT, topic, sequences)

    async def _moved(self, connection: Any, statement: str, topic: str, sequences: Mapping[str, int]) -> set[str]:
        given = (list(sequences), list(sequences.values()))
        rows = await connection.fetch(statement, self.consumer, topic, *given)
        return {row["key"] for row in rows if row["sequence"] == sequences[row["key"]]}

    async def forget(self, connection: Any, topic: str, key: str) -> None:
        """As if the key had never been met."""
        await connection.execute(_FORGET, self.consumer, topic, key)

    async def advance_many(self, connection: Any, spans: Sequence[Span]) -> bool:
        """Moves all spans at once; False when one does not follow its position."""
        return bool(
            await connection.fetchval(
                _ADVANCE_MANY,
                self.consumer,
                [span.topic for span in spans],
                [span.key for span in spans],
                [span.first for span in spans],
                [span.last for span in spans],
            )
        )

    async def passed(self, connection: Any, events: Sequence[tuple[str, str, int]]) -> set[tuple[str, str, int]]:
        """Those of the events (topic, key, sequence), at least one, that were applied before, without a lock."""
        columns = zip(*events, strict=True)
        return {events[row["number"] - 1] for row in await connection.fetch(_PASSED, self.consumer, *columns)}

    async def recorded(self, connection: Any, event_ids: Sequence[str]) -> set[str]:
        """Those of the records that were applied before, without a lock."""
        return {str(row["event_id"]) for row in await connection.fetch(_RECORDED, self.consumer, event_ids)}

    async def record_seen(self, connection: Any, event_id: str) -> bool:
        """Whether a record was applied; if not, nobody else applies it until the transaction ends."""
        if not await self.record(connection, event_id):
            return True
        await connection.execute(_FORGET_RECORD, self.consumer, event_id)
        return False

    async def record(self, connection: Any, event_id: str) -> bool:
        """Notes a record as applied; False when it was before."""
        return _changed(await connection.execute(_RECORD_ONE, self.consumer, event_id))

    async def record_many(self, connection: Any, event_ids: Sequence[str]) -> bool:
        """Notes all at once; False when one was applied before."""
        return bool(await connection.fetchval(_RECORD_MANY, self.consumer, event_ids))


def _changed(status: str) -> bool:
    """Whether a statement changed a row: its command tag ends in the count."""
    return not status.endswith(" 0")
