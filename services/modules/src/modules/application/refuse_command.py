"""Notes that a command was refused, and replies so."""

from dataclasses import dataclass
from uuid import UUID

from chassis.core import Failure
from modules.application.ports import Transaction


@dataclass(frozen=True)
class RefuseCommand:
    id: UUID
    run_id: UUID
    failure: Failure


async def refuse_command(tx: Transaction, command: RefuseCommand) -> None:
    """A command that was settled before keeps the reply that it got then."""
    if not await tx.commands.reply_again(command.id):
        await tx.commands.refuse(command.id, command.run_id, command.failure)
