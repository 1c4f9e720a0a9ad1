"""Runs in PostgreSQL, as they are changed, and their places in the queue of the workers.

Whoever needs both locks the run first, then its place.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, delete, exists, func, insert, select, update

from agent.adapters import tables
from agent.adapters.publishing import run_to_contract
from agent.domain.journal import Lease, LeaseLost
from agent.domain.run import Run, RunStatus
from chassis.telemetry import current_traceparent
from chassis.use_case import Work

_CHANGING = ("status", "reply", "reason", "started_at", "ended_at", "revision", "sequence")
_NOT_ENDED = (RunStatus.QUEUED, RunStatus.RUNNING)

# Made once: SQLAlchemy takes longer to put a statement together than to send it.
_RUNS, _PLACES = tables.runs.c, tables.run_leases.c
_GET = (
    select(tables.runs)
    .where(_RUNS.id == bindparam("run_id"), _RUNS.org_id == bindparam("organisation"))
    .with_for_update()
)
_HELD = (
    select(_PLACES.epoch)
    .where(_PLACES.run_id == bindparam("run_id"), _PLACES.epoch == bindparam("held"))
    .with_for_update()
)
_SAVE = (
    update(tables.runs)
    .where(_RUNS.id == bindparam("run_id"), _RUNS.sequence == bindparam("stored"))
    .values({name: bindparam(name) for name in _CHANGING})
)
_LEAVE = delete(tables.run_leases).where(_PLACES.run_id == bindparam("left"))


class PostgresRuns:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def get(self, run_id: UUID) -> Run | None:
        values = {"run_id": run_id, "organisation": self._work.context.organisation}
        row = (await self._work.connection.execute(_GET, values)).mappings().first()
        return _run(row) if row is not None else None

    async def held(self, lease: Lease) -> Run:
        run = await self.get(lease.run_id)
        values = {"run_id": lease.run_id, "held": lease.epoch}
        found = (await self._work.connection.execute(_HELD, values)).first()
        if run is None or found is None:
            raise LeaseLost(lease.run_id)
        return run

    async def going_on(self, user_id: UUID) -> Sequence[Run]:
        runs = tables.runs.c
        query = select(tables.runs).where(
            runs.org_id == self._work.context.organisation, runs.user_id == user_id, runs.status.in_(_NOT_ENDED)
        )
        rows = (await self._work.connection.execute(query.order_by(runs.id).with_for_update())).mappings()
        return [_run(row) for row in rows]

    async def is_busy(self, chat_id: UUID) -> bool:
        lock = func.pg_advisory_xact_lock(func.hashtextextended(f"chat {chat_id}", 0))
        await self._work.connection.execute(select(lock))
        waiting = select(exists().where(tables.run_leases.c.chat_id == chat_id))
        return bool((await self._work.connection.execute(waiting)).scalar_one())

    async def awaits_reply(self, run_id: UUID) -> bool:
        commands = tables.run_commands.c
        query = select(exists().where(commands.run_id == run_id, commands.verdict.is_(None)))
        return bool((await self._work.connection.execute(query)).scalar_one())

    async def add(self, run: Run) -> None:
        place = {"run_id": run.id, "org_id": run.org_id, "chat_id": run.chat_id, "traceparent": current_traceparent()}
        row = {column.name: getattr(run, column.name) for column in tables.runs.c}
        await self._work.connection.execute(insert(tables.runs), row)
        await self._work.connection.execute(insert(tables.run_leases), place)
        self._work.publish(run, run_to_contract, org_id=run.org_id)

    async def save(self, run: Run) -> None:
        if run.sequence == run.stored_sequence:
            return
        values = {name: getattr(run, name) for name in _CHANGING}
        await self._work.change_one(_SAVE, {"run_id": run.id, "stored": run.stored_sequence, **values})
        if run.ended:
            await self._work.connection.execute(_LEAVE, {"left": run.id})
        self._work.publish(run, run_to_contract, org_id=run.org_id)


def _run(row: RowMapping) -> Run:
    return Run(**{**row, "status": RunStatus(row["status"])})
