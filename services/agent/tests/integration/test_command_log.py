"""Commands on real PostgreSQL: one row, one message, fenced."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from agent.adapters.command_log import ANSWER_WITHIN, SEND_AGAIN_AFTER, PostgresCommandLog
from agent.domain.commands import Change, Completed, ModuleCommand, Refused, command_id
from agent.domain.journal import Lease, LeaseLost
from chassis.core import new_id
from chassis.database import Database
from chassis.outbox.failures import MAX_VALUE_BYTES
from chassis.outbox.store import OutboxStore
from chassis.use_case import Runner

from ..builders import a_lease

_LEASE = text("INSERT INTO run_leases (run_id, org_id, chat_id, epoch) VALUES (:run_id, :org_id, :chat_id, 1)")
_SENT = text("SELECT value FROM outbox WHERE topic = 'modules-commands' AND key = :run_id ORDER BY id")
_ANSWER = text("UPDATE run_commands SET verdict = 'completed', reply = '{\"name\": \"X\"}' WHERE id = :id")


class Hands:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def log(database: Database, hands: Hands) -> PostgresCommandLog:
    return PostgresCommandLog(database, Runner(database, OutboxStore(), lambda work: work), hands)


@pytest.fixture
async def lease(database: Database) -> Lease:
    lease = a_lease()
    async with database.system_transaction() as connection:
        values = {"run_id": lease.run_id, "org_id": lease.org_id, "chat_id": new_id()}
        await connection.execute(_LEASE, values)
    return lease


def a_command(lease: Lease, name: str = "X") -> ModuleCommand:
    return ModuleCommand(command_id(lease.run_id, 3, 0), Change.CREATE, "project", input={"name": name})


async def sent(system: Database, lease: Lease) -> list[bytes]:
    async with system.system_transaction() as connection:
        return [row.value for row in await connection.execute(_SENT, {"run_id": str(lease.run_id)})]


async def test_a_command_sent_twice_leaves_once(log: PostgresCommandLog, lease: Lease, system: Database) -> None:
    for _ in range(2):
        await log.send(lease, 3, a_command(lease))
    assert len(await sent(system, lease)) == 1
    assert await log.reply(lease, a_command(lease).id) is None


async def test_without_a_reply_it_is_sent_again_with_its_first_deadline(
    log: PostgresCommandLog, lease: Lease, system: Database, hands: Hands
) -> None:
    await log.send(lease, 3, a_command(lease))
    hands.time += SEND_AGAIN_AFTER - timedelta(seconds=1)
    await log.send(lease, 3, a_command(lease))
    assert len(await sent(system, lease)) == 1
    hands.time += timedelta(seconds=1)
    await log.send(lease, 3, a_command(lease))
    first, second = await sent(system, lease)
    assert first == second
    assert (datetime(2026, 1, 1) + ANSWER_WITHIN).isoformat().encode() in second  # noqa: DTZ001 - the words on the wire


async def test_an_answered_command_is_not_sent_again(
    log: PostgresCommandLog, lease: Lease, system: Database, hands: Hands
) -> None:
    await log.send(lease, 3, a_command(lease))
    async with system.system_transaction() as connection:
        await connection.execute(_ANSWER, {"id": a_command(lease).id})
    hands.time += SEND_AGAIN_AFTER * 2
    await log.send(lease, 3, a_command(lease))
    assert len(await sent(system, lease)) == 1
    assert await log.reply(lease, a_command(lease).id) == Completed({"name": "X"})


async def test_a_stale_worker_sends_nothing(log: PostgresCommandLog, lease: Lease, system: Database) -> None:
    with pytest.raises(LeaseLost):
        await log.send(replace(lease, epoch=0), 3, a_command(lease))
    assert not await sent(system, lease)
    assert await log.reply(lease, a_command(lease).id) is None


async def test_a_command_too_large_for_a_message_is_refused(
    log: PostgresCommandLog, lease: Lease, system: Database
) -> None:
    large = a_command(lease, "x" * MAX_VALUE_BYTES)
    await log.send(lease, 3, large)
    reply = await log.reply(lease, large.id)
    assert isinstance(reply, Refused)
    assert reply.slug == "too-large"
    assert not await sent(system, lease)
