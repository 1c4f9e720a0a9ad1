"""The journal's promises: held by the one in memory and by the one in PostgreSQL alike."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import asyncpg
import pytest
from sqlalchemy import text

from agent.adapters.journals import PostgresJournals
from agent.application.ports import Journals
from agent.application.signals import Signals
from agent.domain.journal import Lease, LeaseLost, Step
from chassis.core import new_id
from chassis.database import Database
from chassis.testing.waiting import eventually

from ..builders import a_lease
from ..fakes import InMemoryJournals

_CLAIM = text("""
INSERT INTO run_leases (run_id, org_id, chat_id, epoch) VALUES (:run_id, :org_id, :chat_id, :epoch)
ON CONFLICT (run_id) DO UPDATE SET epoch = excluded.epoch
""")

_END_WAITING = text("""
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = 'agent-tests-journal' AND wait_event_type = 'Lock'
""")


@dataclass
class Subject:
    journals: Journals
    claim: Callable[[Lease], Awaitable[None]]


@pytest.fixture(params=["in memory", "postgres"])
async def subject(request: pytest.FixtureRequest, database: Database) -> Subject:
    if request.param == "in memory":
        fake = InMemoryJournals()

        async def claim_in_memory(lease: Lease) -> None:
            fake.claim(lease)

        return Subject(fake, claim_in_memory)

    async def claim(lease: Lease) -> None:
        values = {"run_id": lease.run_id, "org_id": lease.org_id, "chat_id": new_id(), "epoch": lease.epoch}
        async with database.system_transaction() as connection:
            await connection.execute(_CLAIM, values)

    return Subject(PostgresJournals(database, Signals()), claim)


async def test_steps_come_back_in_order_as_they_were(subject: Subject) -> None:
    lease = a_lease()
    await subject.claim(lease)
    steps = [Step(1, "model.request", {"text": "a\x00“b”", "n": [1, 2.5, None]}), Step(2, "tool:x", None)]
    for step in steps:
        await subject.journals.append(lease, step)
    assert list(await subject.journals.read(lease)) == steps


async def test_a_stale_lease_writes_nothing(subject: Subject) -> None:
    stale = a_lease()
    await subject.claim(stale)
    present = replace(stale, epoch=2)
    await subject.claim(present)
    with pytest.raises(LeaseLost):
        await subject.journals.append(stale, Step(1, "model.request", None))
    assert not await subject.journals.read(present)
    await subject.journals.append(present, Step(1, "model.request", None))


async def test_a_run_without_a_lease_takes_no_step(subject: Subject) -> None:
    with pytest.raises(LeaseLost):
        await subject.journals.append(a_lease(), Step(1, "model.request", None))


async def test_steps_of_another_organisation_are_not_seen(database: Database) -> None:
    subject, lease = PostgresJournals(database, Signals()), a_lease()
    async with database.system_transaction() as connection:
        values = {"run_id": lease.run_id, "org_id": lease.org_id, "chat_id": new_id(), "epoch": 1}
        await connection.execute(_CLAIM, values)
    await subject.append(lease, Step(1, "model.request", "secret"))
    assert not await subject.read(replace(lease, org_id=new_id()))


async def test_a_connection_that_broke_under_a_step_is_used_by_nobody_afterwards(database: Database) -> None:
    one = Database(database.dsn, application="agent-tests-journal", pool_size=1)
    journals, lease = PostgresJournals(one, Signals()), a_lease()
    values = {"run_id": lease.run_id, "org_id": lease.org_id, "chat_id": new_id(), "epoch": 1}
    async with database.system_transaction() as connection:
        await connection.execute(_CLAIM, values)
    async with database.system_transaction() as holder:
        await holder.execute(text("SELECT FROM run_leases WHERE run_id = :run_id FOR UPDATE"), values)
        step = asyncio.create_task(journals.append(lease, Step(1, "model.request", None)))
        await eventually(lambda: _ended(database))
        with pytest.raises(asyncpg.PostgresConnectionError):
            await step
        assert not await journals.read(lease)
    await one.close()


async def _ended(database: Database) -> bool:
    async with database.system_transaction() as connection:
        return (await connection.execute(_END_WAITING)).scalar() == 1
