"""Commands of runs in PostgreSQL: the row and its message leave in one transaction."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from agent.application.lease_context import context_of
from agent.domain.commands import Completed, ModuleCommand, Refused, Reply
from agent.domain.journal import Lease, LeaseLost
from chassis.core import Clock, Err, Ok, Result
from chassis.database import Database
from chassis.use_case import Runner, Work
from contracts.agent.v1 import ModuleCommandRequested

ANSWER_WITHIN = timedelta(seconds=30)
"""After this, the receiver refuses a command that it has not carried out."""

SEND_AGAIN_AFTER = ANSWER_WITHIN + timedelta(seconds=5)
"""Without a reply for so long, the command is sent again, under its id and with its first deadline."""

_FENCE = text("SELECT 1 FROM run_leases WHERE run_id = :run_id AND epoch = :epoch FOR UPDATE")
_WRITE = text("""
INSERT INTO run_commands AS known (id, run_id, org_id, step, deadline, sent_at)
VALUES (:id, :run_id, :org_id, :step, :deadline, :now)
ON CONFLICT (id) DO UPDATE SET sent_at = excluded.sent_at
    WHERE known.verdict IS NULL AND known.sent_at <= CAST(:again AS timestamptz)
RETURNING deadline
""")
_REFUSE = text("""
INSERT INTO run_commands (id, run_id, org_id, step, deadline, sent_at, verdict, reply)
VALUES (:id, :run_id, :org_id, :step, :deadline, :now, 'refused', CAST(:reply AS json))
ON CONFLICT (id) DO NOTHING
""")
_REPLY = text("SELECT verdict, reply FROM run_commands WHERE id = :id AND verdict IS NOT NULL")


class PostgresCommandLog:
    """Commands in `run_commands`, their messages through the outbox; the fence is the run's row in `run_leases`."""

    def __init__(self, database: Database, runner: Runner[Any], clock: Clock) -> None:
        self._database = database
        self._runner = runner
        self._clock = clock

    async def send(self, lease: Lease, step: int, command: ModuleCommand) -> None:
        """Writes and sends the command, unless that was done and it is not yet time to do it again.

        One that is too large for a message is refused at once. Raises LeaseLost, with nothing written.
        """
        row = self._row(lease, step, command)

        async def send(work: Work) -> Result[None]:
            await _fence(work, lease)
            sent = (await work.connection.execute(_WRITE, row)).one_or_none()
            if sent is not None:
                work.publish_record(_message(lease, command, sent.deadline), key=str(lease.run_id), org_id=lease.org_id)
            return Ok(None)

        context = context_of(lease, command_id=command.id)
        refused = await self._runner.transact(context, send)
        if isinstance(refused, Err):
            await self._runner.transact(context, lambda work: _write_refusal(work, lease, row, refused))

    async def reply(self, lease: Lease, command_id: UUID) -> Reply | None:
        """The reply, if it has come."""
        async with self._database.transaction([lease.org_id]) as connection:
            found = (await connection.execute(_REPLY, {"id": command_id})).one_or_none()
        if found is None:
            return None
        return Completed(found.reply) if found.verdict == "completed" else Refused(**found.reply)

    def _row(self, lease: Lease, step: int, command: ModuleCommand) -> dict[str, Any]:
        now = self._clock.now()
        return {
            "id": command.id,
            "run_id": lease.run_id,
            "org_id": lease.org_id,
            "step": step,
            "now": now,
            "deadline": now + ANSWER_WITHIN,
            "again": now - SEND_AGAIN_AFTER,
        }


async def _write_refusal(work: Work, lease: Lease, row: dict[str, Any], refused: Err) -> Result[None]:
    await _fence(work, lease)
    reply = {"slug": refused.failure.slug, "detail": refused.failure.detail}
    await work.connection.execute(_REFUSE, row | {"reply": json.dumps(reply)})
    return Ok(None)


async def _fence(work: Work, lease: Lease) -> None:
    if (await work.connection.execute(_FENCE, {"run_id": lease.run_id, "epoch": lease.epoch})).one_or_none() is None:
        raise LeaseLost(lease.run_id)


def _message(lease: Lease, command: ModuleCommand, deadline: datetime) -> ModuleCommandRequested:
    return ModuleCommandRequested(
        command_id=command.id,
        run_id=lease.run_id,
        action=command.change.value,
        kind=command.kind,
        module_id=command.module_id,
        action_name=command.action_name,
        input=command.input,
        deadline=deadline,
    )
