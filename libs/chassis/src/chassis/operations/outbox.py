"""The outbox in an operator's hands: what waits, who sends it, and sending again what a broker may have lost.

A replay only clears `sent_at`, under the relay's lock; the one relay then sends these rows again, by id. Readers drop
what they have seen.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiokafka.errors import KafkaError

from chassis.core import Err, Ok, Result
from chassis.crash_points import crash_point
from chassis.kafka.connection import Kafka
from chassis.operations.outbox_failures import BrokerAway, BrokerNotLost, ReplayUnderWay, TopicsMissing
from chassis.outbox.backlog import Unsent, measure
from chassis.outbox.broker import known_cluster
from chassis.outbox.leadership import LOCK, ROLE

_PATIENCE_S = 10.0
_TRY_AGAIN_S = 0.02
_AT_ONCE = 50_000
_HELD_SHOWN = 100

_HELD = "SELECT id, topic, key, refused FROM outbox WHERE refused IS NOT NULL ORDER BY id LIMIT $1"
_HOLDERS = """
SELECT a.pid, a.application_name, host(a.client_addr) AS address, a.backend_start
FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND (l.classid, l.objid, l.objsubid) = (0, $1::bigint::oid, 1)
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_END_RELAY = f"SELECT pg_terminate_backend(pid) FROM ({_HOLDERS}) AS h WHERE right(application_name, $2) = $3"  # noqa: S608
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock($1)"
# Topic by topic through the unique index, however many rows each has.
_TOPICS = """
WITH RECURSIVE found AS (
    SELECT min(topic) AS topic FROM outbox
    UNION ALL SELECT (SELECT min(topic) FROM outbox WHERE topic > found.topic) FROM found WHERE topic IS NOT NULL)
SELECT topic FROM found WHERE topic IS NOT NULL
"""
_SPAN = "SELECT coalesce(min(id), 1) AS first, coalesce(max(id), 0) AS last FROM outbox"
_CLEAR = """
UPDATE outbox SET sent_at = NULL
WHERE id BETWEEN $1 AND $2 AND sent_at IS NOT NULL AND sent_at >= coalesce($3, '-infinity'::timestamptz)
"""
_RECORD_SPAN = "UPDATE broker SET replayed_through = greatest(replayed_through, $1)"
_RECORD_CLUSTER = "UPDATE broker SET cluster_id = $1, known_since = now()"


@dataclass(frozen=True, slots=True)
class Sender:
    """The session that holds the lock: a relay, or a replay."""

    application: str
    pid: int
    address: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A message that the broker or its client refused for good; those of its key wait behind it."""

    id: int
    topic: str
    key: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxStatus:
    """`new` waits to be sent for the first time, `again` after a replay. `held`: at most 100, the oldest first."""

    new: Unsent
    again: Unsent
    held: Sequence[HeldRow]
    sender: Sender | None
    cluster_id: str | None


async def status(connection: Any) -> OutboxStatus:
    """How the outbox is. `connection` is asyncpg's, under the system role, here and below."""
    holder = await connection.fetchrow(_HOLDERS, LOCK)
    return OutboxStatus(
        new=await measure(connection),
        again=await measure(connection, again=True),
        held=[HeldRow(*row) for row in await connection.fetch(_HELD, _HELD_SHOWN)],
        sender=holder and Sender(holder["application_name"], holder["pid"], holder["address"], holder["backend_start"]),
        cluster_id=await known_cluster(connection),
    )


async def replay_since(connection: Any, since: datetime) -> Result[Mapping[str, Any]]:
    """Lets all that was sent at `since` or later be sent again; in the caller's transaction. Answers `{rows}`."""
    if not await _take_lock(connection):
        return Err(ReplayUnderWay())
    return Ok({"rows": await _clear(connection, since)})


async def replay_lost_broker(connection: Any, kafka: Kafka) -> Result[Mapping[str, Any]]:
    """Lets all that is kept be sent again and makes the broker's present cluster the known one, both in the caller's
    transaction. Answers `{rows, cluster_id, instead_of}`.
    """
    try:
        cluster = await kafka.cluster_id()
        missing = await kafka.missing_topics([row["topic"] for row in await connection.fetch(_TOPICS)])
    except (KafkaError, OSError):
        return Err(BrokerAway())
    if missing:
        return Err(TopicsMissing(tuple(missing)))
    if not await _take_lock(connection):
        return Err(ReplayUnderWay())
    known = await known_cluster(connection)
    if known in (None, cluster):
        return Err(BrokerNotLost(cluster))
    rows = await _clear(connection, None)
    crash_point("replay.cleared")
    await connection.execute(_RECORD_CLUSTER, cluster)
    crash_point("replay.recorded")
    return Ok({"rows": rows, "cluster_id": cluster, "instead_of": known})


async def _take_lock(connection: Any) -> bool:
    """Takes the relay's lock until the transaction ends. False when another replay keeps it.

    The relay is not asked: its session is ended. It survives that as it survives any lost connection, a frozen one or
    one that waits for a dead broker steps aside as well, and what it has not marked by then it cannot mark any more.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + _PATIENCE_S
    while not await connection.fetchval(_TRY_LOCK, LOCK):
        if clock() > deadline:
            return False
        await connection.execute(_END_RELAY, LOCK, len(ROLE), ROLE)
        await asyncio.sleep(_TRY_AGAIN_S)
    return True


async def _clear(connection: Any, since: datetime | None) -> int:
    """Clears `sent_at`, part by part so that no statement takes long; answers how many rows that were."""
    first, last = await connection.fetchrow(_SPAN)
    rows = 0
    for begin in range(first, last + 1, _AT_ONCE):
        cleared = await connection.execute(_CLEAR, begin, min(begin + _AT_ONCE - 1, last), since)
        rows += int(cleared.removeprefix("UPDATE "))
    await connection.execute(_RECORD_SPAN, last)
    return rows
