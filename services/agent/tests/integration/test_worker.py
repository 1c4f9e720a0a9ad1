"""The worker beside a database that was away: what it held is taken up again, once."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import text

from agent.adapters.queue import PostgresQueue
from agent.adapters.transaction import PostgresTransaction
from agent.application.loop import Task
from agent.application.signals import Signals
from agent.application.use_cases import UseCases
from agent.domain.agent import OFFLINE
from agent.domain.journal import Lease
from agent.domain.run import Run
from agent.entrypoints.worker import Worker
from chassis.core import Actor, Ok, Result, SystemClock
from chassis.database import Database
from chassis.outbox.store import OutboxStore
from chassis.testing.waiting import eventually
from chassis.use_case import Context, Runner, Work
from contracts.permissions import Role

from ..builders import a_run, an_agent

_STATUS = text("SELECT status FROM runs WHERE id = :run_id")
_RUN_OUT = text("UPDATE run_leases SET leased_until = '-infinity' WHERE run_id = :run_id AND epoch = 1")


class Drives:
    """In the place of driving a run: each waits until it is told to go on, or is cancelled."""

    def __init__(self) -> None:
        self.begun: list[Lease] = []
        self.cancelled: list[Lease] = []
        self.go_on = asyncio.Event()

    async def __call__(self, lease: Lease, _task: Task) -> str:
        self.begun.append(lease)
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.append(lease)
            raise
        return "Done."


@pytest.fixture
def drives() -> Drives:
    return Drives()


@pytest.fixture
def signals() -> Signals:
    return Signals()


@pytest.fixture
async def worker(database: Database, empty_queue: None, drives: Drives, signals: Signals) -> AsyncIterator[Worker]:
    runner = Runner(database, OutboxStore(), PostgresTransaction)
    use_cases = UseCases(SystemClock(), signals, assistant_model=OFFLINE)
    worker = Worker(PostgresQueue(database), runner, use_cases, drives, signals, slots=4)
    running = asyncio.create_task(worker.run())
    yield worker
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def queued(database: Database) -> Run:
    agent = an_agent()
    run = a_run(agent=agent)

    async def body(work: Work) -> Result[None]:
        tx = PostgresTransaction(work)
        await tx.agents.add(agent)
        await tx.runs.add(run)
        return Ok(None)

    actor = Actor.user(run.user_id)
    context = Context(actor=actor, org_id=run.org_id, role=Role.EDITOR, correlation_id=run.correlation_id)
    await Runner(database, OutboxStore(), PostgresTransaction).transact(context, body)
    return run


async def soon(look: Callable[[], object]) -> None:
    """Waits until it sees something true."""

    async def probe() -> object:
        return look()

    await eventually(probe)


async def test_a_run_whose_lease_ran_out_is_driven_once_more_by_the_same_worker_and_by_that_one_alone(
    worker: Worker, drives: Drives, signals: Signals, database: Database, system: Database
) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    run = await queued(database)
    await soon(lambda: len(drives.begun) == 1)

    async def taken_again() -> bool:  # the worker may extend the lease in the same moment
        async with system.system_transaction() as connection:
            await connection.execute(_RUN_OUT, {"run_id": run.id})
        signals.queued(committed=True)
        return len(drives.begun) > 1

    await eventually(taken_again)
    await soon(lambda: [lease.epoch for lease in drives.cancelled] == [1])
    assert worker.health().line == "1 of 4 runs under way"
    drives.go_on.set()

    async def completed() -> bool:
        async with system.system_transaction() as connection:
            return bool((await connection.execute(_STATUS, {"run_id": run.id})).scalar_one() == "completed")

    await eventually(completed)
    await soon(lambda: worker.health().line == "0 of 4 runs under way")
    assert complaints == []
