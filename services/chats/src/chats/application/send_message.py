"""A person writes in a chat."""

from dataclasses import dataclass
from uuid import UUID

from chassis.core import Clock, Err, Ok, Result
from chats.application.ports import Transaction
from chats.application.views import MessageView
from chats.domain.errors import ChatNotFound, MayNotWrite
from contracts.permissions import Permission


@dataclass(frozen=True)
class SendMessage:
    chat_id: UUID
    text: str


@dataclass(frozen=True)
class SendMessageHandler:
    """Refused: ChatNotFound, NotAParticipant, MayNotWrite."""

    clock: Clock

    async def __call__(self, tx: Transaction, command: SendMessage) -> Result[MessageView]:
        chat = await tx.chats.get(command.chat_id)
        if chat is None:
            return Err(ChatNotFound(command.chat_id))
        if not tx.context.may(Permission.CHATS_WRITE):
            return Err(MayNotWrite())
        sent = chat.send(tx.context.user_id, command.text, run_id=None, now=self.clock.now())
        if isinstance(sent, Err):
            return sent
        await tx.chats.save(chat, sent.value)
        return Ok(MessageView.of(sent.value))
