"""Who may drive which run, on real PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from agent.adapters.queue import PostgresQueue
from agent.adapters.transaction import PostgresTransaction
from agent.application.queue import Claimed
from agent.domain.agent import Agent
from agent.domain.journal import LeaseLost
from agent.domain.run import Run
from chassis.core import Ok, Result, new_id
from chassis.database import Database
from chassis.outbox.store import OutboxStore
from chassis.use_case import Context, Runner, Work

from ..builders import NOW, a_run, an_agent

_COMMAND = text("""
INSERT INTO run_commands (id, run_id, org_id, step, deadline, sent_at)
VALUES (:id, :run_id, :org_id, 1, now(), now() - CAST(:ago AS interval))
""")
_ANSWER = text("UPDATE run_commands SET verdict = 'completed', reply = '{}' WHERE id = :id")


class Line:
    """Puts runs into the queue, and takes them from it as a worker does."""

    def __init__(self, database: Database, *, lease: timedelta = timedelta(seconds=30)) -> None:
        self.queue = PostgresQueue(database, lease=lease)
        self.database = database
        self.runner = Runner(database, OutboxStore(), PostgresTransaction)

    async def add(self, agent: Agent, *, chat_id: UUID | None = None) -> Run:
        run = a_run(agent=agent, chat_id=chat_id)

        async def body(work: Work) -> Result[None]:
            tx = PostgresTransaction(work)
            if agent.stored_sequence == 0:
                await tx.agents.add(agent)
            await tx.runs.add(run)
            return Ok(None)

        assert await self.runner.transact(_context(run), body) == Ok(None)
        return run

    async def end(self, run: Run) -> None:
        async def body(work: Work) -> Result[None]:
            found = await PostgresTransaction(work).runs.get(run.id)
            assert found is not None
            found.cancel("Stopped.", NOW)
            await PostgresTransaction(work).runs.save(found)
            return Ok(None)

        await self.runner.transact(_context(run), body)

    async def claim(self, *full: UUID) -> UUID | None:
        claimed = await self.queue.claim(full=full)
        return claimed.lease.run_id if claimed is not None else None

    async def command(self, run: Run, *, ago: timedelta = timedelta()) -> UUID:
        id_ = new_id()
        async with self.database.transaction([run.org_id]) as connection:
            await connection.execute(_COMMAND, {"id": id_, "run_id": run.id, "org_id": run.org_id, "ago": ago})
        return id_


def _context(run: Run) -> Context:
    return Context(actor=run.actor, org_id=run.org_id, role=None, correlation_id=run.correlation_id)


@pytest.fixture
def line(database: Database, empty_queue: None) -> Line:
    return Line(database)


async def test_a_run_is_claimed_once(line: Line) -> None:
    run = await line.add(an_agent())
    claims = await asyncio.gather(*(line.queue.claim(full=[]) for _ in range(8)))
    [claimed] = [claim for claim in claims if claim is not None]
    assert (claimed.lease.run_id, claimed.lease.epoch, claimed.lease.actor) == (run.id, 1, run.actor)
    assert claimed.lease.correlation_id == run.correlation_id


async def test_a_run_whose_worker_is_silent_goes_to_another_with_a_new_epoch(database: Database, line: Line) -> None:
    hasty = PostgresQueue(database, lease=timedelta(milliseconds=1))
    await line.add(an_agent())
    first = await hasty.claim(full=[])
    second = await line.queue.claim(full=[])
    assert isinstance(first, Claimed)
    assert isinstance(second, Claimed)
    assert second.lease == replace(first.lease, epoch=2)
    assert await line.queue.extend([first.lease]) == set()
    assert await line.queue.extend([second.lease]) == {second.lease.run_id}


async def test_a_released_run_is_free_at_once_but_not_by_a_stale_hand(line: Line) -> None:
    await line.add(an_agent())
    claimed = await line.queue.claim(full=[])
    assert claimed is not None
    await line.queue.release(replace(claimed.lease, epoch=0))
    assert await line.claim() is None
    await line.queue.release(claimed.lease)
    assert await line.claim() == claimed.lease.run_id


async def test_runs_of_one_chat_go_one_after_the_other(line: Line) -> None:
    agent, chat_id = an_agent(), new_id()
    first, second = await line.add(agent, chat_id=chat_id), await line.add(agent, chat_id=chat_id)
    claimed = await line.queue.claim(full=[])
    assert claimed is not None
    assert claimed.lease.run_id == first.id
    assert await line.claim() is None
    await line.queue.release(claimed.lease)
    assert await line.claim() == first.id
    await line.end(first)
    assert await line.claim() == second.id


async def test_two_runs_of_a_chat_are_never_under_way_however_many_workers_choose(line: Line) -> None:
    agent, chat_id = an_agent(), new_id()
    runs = [await line.add(agent, chat_id=chat_id) for _ in range(4)]
    claims = await asyncio.gather(*(line.claim() for _ in range(8)))
    assert [claim for claim in claims if claim is not None] == [runs[0].id]


async def test_an_organisation_with_many_runs_does_not_delay_anothers_first(line: Line) -> None:
    greedy, modest = an_agent(), an_agent()
    for _ in range(100):
        await line.add(greedy)
    await line.claim()
    first = await line.add(modest)
    assert await line.claim() == first.id


async def test_an_organisation_that_has_its_share_is_passed_over(line: Line) -> None:
    greedy, modest = an_agent(), an_agent()
    await line.add(greedy)
    waiting = await line.add(modest)
    assert await line.claim(greedy.org_id) == waiting.id
    assert await line.claim(greedy.org_id) is None


async def test_a_run_that_waits_for_a_reply_is_free_when_it_has_come(line: Line, database: Database) -> None:
    run = await line.add(an_agent())
    command_id = await line.command(run)
    assert await line.claim() is None
    async with database.transaction([run.org_id]) as connection:
        await connection.execute(_ANSWER, {"id": command_id})
    assert await line.claim() == run.id


async def test_a_run_whose_command_stays_without_a_reply_is_free_to_send_it_again(line: Line) -> None:
    run = await line.add(an_agent())
    await line.command(run, ago=timedelta(seconds=36))
    assert await line.claim() == run.id


async def test_an_ended_run_leaves_the_queue_and_its_worker_writes_nothing_more(line: Line) -> None:
    run = await line.add(an_agent())
    claimed = await line.queue.claim(full=[])
    assert claimed is not None
    await line.end(run)
    assert await line.queue.extend([claimed.lease]) == set()

    async def body(work: Work) -> Result[Run]:
        return Ok(await PostgresTransaction(work).runs.held(claimed.lease))

    with pytest.raises(LeaseLost):
        await line.runner.transact(_context(run), body)
