"""What a person asked of an agent outside a chat becomes a message, in a chat opened for it where there is none."""

from dataclasses import dataclass
from uuid import UUID

from chassis.core import Clock, Err, NotYet, Ok, Outcome, Result
from chats.application.ports import Transaction
from chats.domain.chat import LONGEST_TITLE, Chat
from chats.domain.message import Message


@dataclass(frozen=True)
class RecordQuestion:
    run_id: UUID
    chat_id: UUID
    agent_id: UUID
    user_id: UUID
    text: str
    open_chat: bool


@dataclass(frozen=True)
class RecordQuestionHandler:
    """Refused: NotAParticipant. Waits for a chat that is not known yet."""

    clock: Clock

    async def __call__(self, tx: Transaction, command: RecordQuestion) -> Outcome:
        chat = await tx.chats.get(command.chat_id)
        if chat is None and not command.open_chat:
            return NotYet(f"chat {command.chat_id}")
        if chat is None:
            opened = self._open(tx, command)
            if isinstance(opened, Err):
                return opened
            chat = opened.value
            await tx.chats.add(chat)
        sent = self._send(chat, command)
        if isinstance(sent, Err):
            return sent
        await tx.chats.save(chat, sent.value)
        return Ok(sent.value)

    def _open(self, tx: Transaction, command: RecordQuestion) -> Result[Chat]:
        return Chat.open(
            chat_id=command.chat_id,
            org_id=tx.context.organisation,
            title=" ".join(command.text.split())[:LONGEST_TITLE],
            opener=command.user_id,
            others=(),
            agent_id=command.agent_id,
            now=self.clock.now(),
        )

    def _send(self, chat: Chat, command: RecordQuestion) -> Result[Message]:
        return chat.send(command.user_id, command.text, run_id=command.run_id, now=self.clock.now())
