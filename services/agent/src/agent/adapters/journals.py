"""The journal in PostgreSQL."""

import json
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import text

from agent.application.signals import Signals
from agent.domain.journal import Lease, LeaseLost, Step
from chassis.database import Database

_READ = text("SELECT number, name, result FROM run_steps WHERE run_id = :run_id ORDER BY number")

# One statement, and so one transaction and one round trip: it sets the tenant, locks the lease, and writes. Another
# worker's claim waits for it, or it for the claim.
_APPEND = """
WITH scope AS MATERIALIZED (SELECT set_config('stoa.org_ids', $1::uuid::text, true) AS org_ids),
held AS MATERIALIZED (
    SELECT run_id, org_id FROM run_leases
    WHERE run_id = $2 AND epoch = $3 AND (SELECT org_ids FROM scope) IS NOT NULL
    FOR UPDATE
)
INSERT INTO run_steps (run_id, org_id, epoch, number, name, result)
SELECT run_id, org_id, $3, $4, $5, $6::text::json FROM held
RETURNING number
"""


class PostgresJournals:
    """Steps in `run_steps`; the fence is the run's row in `run_leases`."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals

    async def read(self, lease: Lease) -> Sequence[Step]:
        """The run's finished steps in order."""
        async with self._database.transaction([lease.org_id]) as connection:
            rows = await connection.execute(_READ, {"run_id": lease.run_id})
            return [Step(row.number, row.name, row.result) for row in rows]

    async def append(self, lease: Lease, step: Step) -> None:
        """Commits one step. Raises LeaseLost, with nothing written, unless `lease` is the run's present one."""
        values = (lease.org_id, lease.run_id, lease.epoch, step.number, step.name, json.dumps(step.result))
        async with self._database.engine.connect() as connection:
            raw = await connection.get_raw_connection()
            try:
                written = await cast(Any, raw.driver_connection).fetchval(_APPEND, *values)
            except BaseException:  # past SQLAlchemy, which would see that the connection is not to be used again
                await connection.invalidate()
                raise
        if written is None:
            raise LeaseLost(lease.run_id)
        self._signals.came(lease.run_id, committed=True)
