"""The end of a run becomes a message: the agent's reply, or an honest note."""

from dataclasses import dataclass
from uuid import UUID

from chassis.core import Clock, NotYet, Ok, Outcome
from chats.application.ports import Transaction


@dataclass(frozen=True)
class RecordReply:
    """`agent_id` None: a note of the system."""

    run_id: UUID
    chat_id: UUID
    agent_id: UUID | None
    text: str


@dataclass(frozen=True)
class RecordReplyHandler:
    """Waits for a chat that is not known yet."""

    clock: Clock

    async def __call__(self, tx: Transaction, command: RecordReply) -> Outcome:
        chat = await tx.chats.get(command.chat_id)
        if chat is None:
            return NotYet(f"chat {command.chat_id}")
        now = self.clock.now()
        if command.agent_id is None:
            message = chat.note(command.text, run_id=command.run_id, now=now)
        else:
            message = chat.reply(command.agent_id, command.text, run_id=command.run_id, now=now)
        await tx.chats.save(chat, message)
        return Ok(message)
