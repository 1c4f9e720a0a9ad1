"""Settled commands in PostgreSQL; each reply leaves through the outbox of the transaction that settles."""

from uuid import UUID

from sqlalchemy import insert, select

from chassis.core import Failure
from chassis.housekeeping import SENT, Keep
from chassis.use_case import Work
from contracts.modules.topics import COMMANDS
from contracts.modules.v1 import CommandCompleted, CommandRefused
from modules.adapters import tables
from modules.adapters.publishing import state_of
from modules.application.views import ModuleView

SETTLED = Keep("commands", "settled_at", COMMANDS.retention + SENT.kept)
"""As long as a command can come again, from its topic or by a replay of its owner."""

_REPLIES: dict[str, type[CommandCompleted] | type[CommandRefused]] = {
    "completed": CommandCompleted,
    "refused": CommandRefused,
}


class PostgresCommands:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def reply_again(self, command_id: UUID) -> bool:
        commands = tables.commands.c
        query = select(commands.verdict, commands.reply).where(
            commands.org_id == self._work.context.org_id, commands.id == command_id
        )
        row = (await self._work.connection.execute(query)).first()
        if row is None:
            return False
        self._send(_REPLIES[row.verdict].model_validate(row.reply))
        return True

    async def complete(self, command_id: UUID, run_id: UUID, module: ModuleView) -> None:
        state = state_of(module, self._work.context.organisation)
        await self._settle("completed", CommandCompleted(command_id=command_id, run_id=run_id, module=state))

    async def refuse(self, command_id: UUID, run_id: UUID, failure: Failure) -> None:
        reply = CommandRefused(command_id=command_id, run_id=run_id, slug=failure.slug, detail=failure.detail)
        if self._work.context.org_id is None:
            # Nobody's command: it can never be obeyed, so a repeat is refused alike without a memory of the first.
            self._send(reply)
            return
        await self._settle("refused", reply)

    async def _settle(self, verdict: str, reply: CommandCompleted | CommandRefused) -> None:
        row = {
            "org_id": self._work.context.organisation,
            "id": reply.command_id,
            "verdict": verdict,
            "reply": reply.model_dump(mode="json"),
        }
        await self._work.connection.execute(insert(tables.commands), row)
        self._send(reply)

    def _send(self, reply: CommandCompleted | CommandRefused) -> None:
        self._work.publish_record(reply, key=str(reply.run_id), org_id=self._work.context.org_id)
