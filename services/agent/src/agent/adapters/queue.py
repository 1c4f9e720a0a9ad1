"""The workers' queue in PostgreSQL: who may drive which run.

A run is free when its lease has run out, no other run of its chat is under way or stands before it, and no command of
it waits for a reply. All of that is computed from rows; nothing says it beside them.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError

from agent.adapters.command_log import SEND_AGAIN_AFTER
from agent.application.queue import Claimed
from agent.domain.journal import Lease
from chassis.core import Actor
from chassis.crash_points import crash_point
from chassis.database import Database, scope_to

LEASE = timedelta(seconds=4)
"""How long a run stays with a worker that says nothing more."""

_ORGANISATIONS = text("SELECT array_agg(DISTINCT org_id) FROM run_leases WHERE leased_until <= now()")

# An organisation with fewer runs under way goes first; within one, and among equals, the older run. A run that waits
# for a reply is free again when its command is to be sent once more.
_CLAIM = text("""
WITH busy AS (SELECT org_id, count(*) AS runs FROM run_leases WHERE leased_until > now() GROUP BY org_id),
chosen AS (
    SELECT place.run_id, run.user_id, run.agent_id, run.agent_version, run.correlation_id
    FROM run_leases AS place JOIN runs AS run ON run.id = place.run_id LEFT JOIN busy ON busy.org_id = place.org_id
    WHERE place.leased_until <= now() AND place.org_id <> ALL (CAST(:full AS uuid[]))
        AND NOT EXISTS (
            SELECT FROM run_leases AS other WHERE other.chat_id = place.chat_id AND other.run_id <> place.run_id
                AND (other.epoch > 0 OR (place.epoch = 0 AND other.run_id < place.run_id)))
        AND NOT EXISTS (
            SELECT FROM run_commands AS command WHERE command.run_id = place.run_id AND command.verdict IS NULL
                AND command.sent_at > now() - CAST(:again AS interval))
    ORDER BY coalesce(busy.runs, 0), place.run_id LIMIT 1
    FOR UPDATE OF place SKIP LOCKED)
UPDATE run_leases AS place SET epoch = place.epoch + 1, leased_until = now() + CAST(:lease AS interval)
FROM chosen WHERE place.run_id = chosen.run_id
RETURNING place.org_id, place.epoch, place.traceparent, chosen.*
""")

# Rows are locked in the order of their ids, as everywhere, so that two who lock many never wait for each other.
_EXTEND = text("""
WITH held AS (
    SELECT place.run_id FROM run_leases AS place
    JOIN unnest(CAST(:runs AS uuid[]), CAST(:epochs AS bigint[])) AS mine (run_id, epoch) USING (run_id, epoch)
    ORDER BY place.run_id FOR UPDATE OF place)
UPDATE run_leases AS place SET leased_until = now() + CAST(:lease AS interval) FROM held
WHERE place.run_id = held.run_id RETURNING place.run_id
""")
_RELEASE = text("UPDATE run_leases SET leased_until = '-infinity' WHERE run_id = :run_id AND epoch = :epoch")


class PostgresQueue:
    """Leases in `run_leases`."""

    def __init__(self, database: Database, *, lease: timedelta = LEASE) -> None:
        self._database = database
        self._lease = lease

    async def claim(self, *, full: Collection[UUID]) -> Claimed | None:
        """The next free run of an organisation that is not among `full`, with a new epoch; None when there is none."""
        values = {"full": list(full), "again": SEND_AGAIN_AFTER, "lease": self._lease}
        try:
            async with self._database.system_transaction() as connection:
                organisations = (await connection.execute(_ORGANISATIONS)).scalar_one()
                if not organisations:
                    return None
                await scope_to(connection, organisations)
                row = (await connection.execute(_CLAIM, values)).one_or_none()
                if row is not None:
                    crash_point("run.claiming")
        except IntegrityError:  # an older run of the same chat was begun in the same moment
            return None
        return _claimed(row) if row is not None else None

    async def extend(self, leases: Sequence[Lease]) -> set[UUID]:
        """Keeps the leases for another while; answers the runs that are still held."""
        values = {
            "runs": [lease.run_id for lease in leases],
            "epochs": [lease.epoch for lease in leases],
            "lease": self._lease,
        }
        async with self._database.system_transaction() as connection:
            return set((await connection.execute(_EXTEND, values)).scalars())

    async def release(self, lease: Lease) -> None:
        """Lets the run go, at once: it is for whoever finds it free."""
        async with self._database.system_transaction() as connection:
            await connection.execute(_RELEASE, {"run_id": lease.run_id, "epoch": lease.epoch})


def _claimed(row: Row[tuple[object, ...]]) -> Claimed:
    actor = Actor.user(row.user_id).through(row.agent_id, row.agent_version, row.run_id)
    return Claimed(Lease(row.run_id, row.org_id, row.epoch, actor, row.correlation_id), row.traceparent)
