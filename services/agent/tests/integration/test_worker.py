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
from agent.entrypoints.worker import Worker
from chassis.core import SystemClock
from chassis.database import Database
from chassis.outbox.store import OutboxStore
from chassis.testing.complaints import complaints
from chassis.testing.waiting import eventually
from chassis.use_case import Runner

from ..queued import queued

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
def runner(database: Database) -> Runner[PostgresTransaction]:
    return Runner(database, OutboxStore(), PostgresTransaction)


@pytest.fixture
async def worker(
    database: Database, empty_queue: None, runner: Runner[PostgresTransaction], drives: Drives, signals: Signals
) -> AsyncIterator[Worker]:
    use_cases = UseCases(SystemClock(), signals, assistant_model=OFFLINE)
    worker = Worker(PostgresQueue(database), runner, use_cases, drives, signals, slots=4)
    running = asyncio.create_task(worker.run())
    yield worker
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def soon(look: Callable[[], object]) -> None:
    """Waits until it sees something true."""

    async def probe() -> object:
        return look()

    await eventually(probe)


async def test_a_run_whose_lease_ran_out_is_driven_once_more_by_the_same_worker_and_by_that_one_alone(
    worker: Worker, runner: Runner[PostgresTransaction], drives: Drives, signals: Signals, system: Database
) -> None:
    run = await queued(runner)
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

    with complaints() as told:
        await eventually(completed)
        await soon(lambda: worker.health().line == "0 of 4 runs under way")
    assert told == []
