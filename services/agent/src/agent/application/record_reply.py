"""The reply to a run's command has come: it becomes a row, and who waits for it goes on."""

from dataclasses import dataclass
from uuid import UUID

from agent.application.ports import Transaction
from agent.application.signals import Signals
from agent.domain.commands import Reply
from chassis.core import Ok, Outcome


@dataclass(frozen=True)
class RecordReply:
    command_id: UUID
    run_id: UUID
    reply: Reply


@dataclass(frozen=True)
class RecordReplyHandler:
    signals: Signals

    async def __call__(self, tx: Transaction, command: RecordReply) -> Outcome:
        await tx.projections.put_reply(command.command_id, command.run_id, command.reply)
        self.signals.came(command.command_id)
        self.signals.queued()
        return Ok(None)
