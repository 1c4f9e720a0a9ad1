"""Opens a chat."""

from dataclasses import dataclass
from uuid import UUID

from chassis.core import Clock, Err, Ok, Result, new_id
from chats.application.ports import Transaction
from chats.application.views import ChatView
from chats.domain.chat import Chat
from chats.domain.errors import AgentUnknown, MayNotWrite, ParticipantUnknown
from contracts.permissions import Permission


@dataclass(frozen=True)
class OpenChat:
    title: str
    participants: tuple[UUID, ...]
    agent_id: UUID | None


@dataclass(frozen=True)
class OpenChatHandler:
    """Refused: MayNotWrite, ParticipantUnknown, AgentUnknown, TooManyParticipants."""

    clock: Clock

    async def __call__(self, tx: Transaction, command: OpenChat) -> Result[ChatView]:
        if not tx.context.may(Permission.CHATS_WRITE):
            return Err(MayNotWrite())
        if strangers := await tx.members.strangers(command.participants):
            return Err(ParticipantUnknown(strangers[0]))
        if command.agent_id is not None and not await tx.agents.is_active(command.agent_id):
            return Err(AgentUnknown(command.agent_id))
        opened = Chat.open(
            chat_id=new_id(),
            org_id=tx.context.organisation,
            title=command.title,
            opener=tx.context.user_id,
            others=command.participants,
            agent_id=command.agent_id,
            now=self.clock.now(),
        )
        if isinstance(opened, Err):
            return opened
        await tx.chats.add(opened.value)
        return Ok(ChatView.of(opened.value))
