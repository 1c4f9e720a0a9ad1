"""The journal in PostgreSQL."""

import json
from collections.abc import Sequence

from sqlalchemy import text

from agent.domain.journal import Lease, LeaseLost, Step
from chassis.database import Database

_READ = text("SELECT number, name, result FROM run_steps WHERE run_id = :run_id ORDER BY number")

# One statement sets the tenant, locks the lease and writes: another worker's claim waits for it, or it for the claim.
_APPEND = text("""
WITH scope AS MATERIALIZED (SELECT set_config('stoa.org_ids', CAST(:org_id AS text), true) AS org_ids),
held AS MATERIALIZED (
    SELECT run_id, org_id FROM run_leases
    WHERE run_id = :run_id AND epoch = :epoch AND (SELECT org_ids FROM scope) IS NOT NULL
    FOR UPDATE
)
INSERT INTO run_steps (run_id, org_id, number, name, result)
SELECT run_id, org_id, :number, :name, CAST(:result AS json) FROM held
""")


class PostgresJournals:
    """Steps in `run_steps`; the fence is the run's row in `run_leases`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, lease: Lease) -> Sequence[Step]:
        """The run's finished steps in order."""
        async with self._database.transaction([lease.org_id]) as connection:
            rows = await connection.execute(_READ, {"run_id": lease.run_id})
            return [Step(row.number, row.name, row.result) for row in rows]

    async def append(self, lease: Lease, step: Step) -> None:
        """Commits one step. Raises LeaseLost, with nothing written, unless `lease` is the run's present one."""
        values = {
            "org_id": str(lease.org_id),
            "run_id": lease.run_id,
            "epoch": lease.epoch,
            "number": step.number,
            "name": step.name,
            "result": json.dumps(step.result),
        }
        async with self._database.system_transaction() as connection:
            written = await connection.execute(_APPEND, values)
            if written.rowcount != 1:
                raise LeaseLost(lease.run_id)
