"""A run has one end, whoever reaches for it at the same moment, on real PostgreSQL."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import text

from agent.adapters.queue import PostgresQueue
from agent.adapters.transaction import PostgresTransaction
from agent.application.cancel_run import CancelRun
from agent.application.end_run import EndRun
from agent.application.lease_context import context_of
from agent.application.signals import Signals
from agent.application.use_cases import UseCases
from agent.domain.agent import OFFLINE
from agent.domain.errors import RunHasEnded
from agent.domain.journal import Lease, LeaseLost
from agent.domain.run import Run
from chassis.core import Err, Ok, Result, SystemClock
from chassis.database import Database
from chassis.outbox.store import OutboxStore
from chassis.use_case import Runner

from ..queued import asker, queued

_PUBLISHED = text("SELECT sequence FROM outbox WHERE topic = 'agent-runs' AND key = :run_id ORDER BY sequence")
_OTHERS = text("SELECT DISTINCT org_id FROM run_leases WHERE org_id <> :org_id")


@dataclass
class Desk:
    """The use cases over one database."""

    runner: Runner[PostgresTransaction]
    use_cases: UseCases
    queue: PostgresQueue
    system: Database

    async def claimed(self) -> tuple[Run, Lease]:
        """A run that a worker holds."""
        run = await queued(self.runner)
        claimed = await self.queue.claim(full=await self.others(run))
        assert claimed is not None
        assert claimed.lease.run_id == run.id
        return run, claimed.lease

    async def others(self, run: Run) -> list[UUID]:
        """The organisations of other tests, whose runs stand in the same queue."""
        async with self.system.system_transaction() as connection:
            return list((await connection.execute(_OTHERS, {"org_id": run.org_id})).scalars())

    async def complete(self, lease: Lease) -> Result[None] | LeaseLost:
        try:
            return await self.runner.run(context_of(lease), self.use_cases.end_run, EndRun(lease, reply="Done."))
        except LeaseLost as lost:
            return lost

    async def cancel(self, run: Run) -> Result[object]:
        return await self.runner.run(asker(run), self.use_cases.cancel_run, CancelRun(run.id))


@pytest.fixture
def desk(database: Database, system: Database) -> Desk:
    runner = Runner(database, OutboxStore(), PostgresTransaction)
    return Desk(runner, UseCases(SystemClock(), Signals(), assistant_model=OFFLINE), PostgresQueue(database), system)


async def sequences(system: Database, run_id: UUID) -> list[int]:
    async with system.system_transaction() as connection:
        return list((await connection.execute(_PUBLISHED, {"run_id": str(run_id)})).scalars())


async def test_cancellation_against_completion_has_one_winner(desk: Desk, system: Database) -> None:
    for _ in range(20):
        run, lease = await desk.claimed()
        completed, cancelled = await asyncio.gather(desk.complete(lease), desk.cancel(run))
        if isinstance(completed, Ok):
            assert cancelled == Err(RunHasEnded("completed"))
        else:
            assert isinstance(completed, LeaseLost)
            assert isinstance(cancelled, Ok)
        assert await sequences(system, run.id) == [1, 2]


async def test_a_stale_worker_ends_nothing(desk: Desk, system: Database, database: Database) -> None:
    run, lease = await desk.claimed()
    await desk.queue.release(lease)
    again = await desk.queue.claim(full=await desk.others(run))
    assert again is not None
    assert isinstance(await desk.complete(lease), LeaseLost)
    assert await sequences(system, run.id) == [1]
    assert await desk.complete(again.lease) == Ok(None)
    assert isinstance(await desk.complete(again.lease), LeaseLost)
