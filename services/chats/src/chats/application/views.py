"""Reads: past the domain, straight to what clients are shown."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.core import Err, Ok, Result
from chassis.paging import Listed, Page
from chats.domain.chat import Chat
from chats.domain.errors import ChatNotFound, NotAParticipant
from chats.domain.message import Message

if TYPE_CHECKING:
    from chats.application.ports import Transaction


@dataclass(frozen=True)
class ChatView:
    id: UUID
    title: str
    participants: tuple[UUID, ...]
    agent_id: UUID | None
    opened_at: datetime
    last_number: int
    revision: int

    @classmethod
    def of(cls, chat: Chat) -> "ChatView":
        return cls(
            chat.id, chat.title, chat.participants, chat.agent_id, chat.opened_at, chat.last_number, chat.revision
        )


@dataclass(frozen=True)
class MessageView:
    id: UUID
    chat_id: UUID
    number: int
    author_kind: str
    author_id: UUID | None
    text: str
    run_id: UUID | None
    sent_at: datetime

    @classmethod
    def of(cls, message: Message) -> "MessageView":
        author = message.author
        return cls(
            message.id,
            message.chat_id,
            message.number,
            author.kind,
            author.id,
            message.text,
            message.run_id,
            message.sent_at,
        )


@dataclass(frozen=True)
class GetChat:
    chat_id: UUID


@dataclass(frozen=True)
class ListChats:
    page: Page


@dataclass(frozen=True)
class ListMessages:
    chat_id: UUID
    page: Page
    newest_first: bool


async def get_chat(tx: "Transaction", query: GetChat) -> Result[ChatView]:
    """Refused: ChatNotFound, NotAParticipant."""
    chat = await tx.views.chat(query.chat_id)
    if chat is None:
        return Err(ChatNotFound(query.chat_id))
    if tx.context.actor.user_id not in chat.participants:
        return Err(NotAParticipant())
    return Ok(chat)


async def list_chats(tx: "Transaction", query: ListChats) -> Result[Listed[ChatView]]:
    """The chats that the caller takes part in."""
    return Ok(await tx.views.chats_of(tx.context.user_id, query.page))


async def list_messages(tx: "Transaction", query: ListMessages) -> Result[Listed[MessageView]]:
    """Refused: ChatNotFound, NotAParticipant."""
    found = await get_chat(tx, GetChat(query.chat_id))
    if isinstance(found, Err):
        return found
    return Ok(await tx.views.messages(query.chat_id, query.page, newest_first=query.newest_first))
