"""What the use cases of chats need from outside."""

from typing import Protocol
from uuid import UUID

from chassis.paging import Listed, Page
from chassis.use_case import Context
from chats.application.views import ChatView, MessageView
from chats.domain.chat import Chat
from chats.domain.message import Message


class Chats(Protocol):
    """Chats as they are changed."""

    async def get(self, chat_id: UUID) -> Chat | None:
        """The chat, locked until the transaction ends."""
        ...

    async def add(self, chat: Chat) -> None: ...

    async def save(self, chat: Chat, message: Message) -> None:
        """Stores the chat and the message that was just added to it."""
        ...


class ChatViews(Protocol):
    """Chats as they are read."""

    async def chat(self, chat_id: UUID) -> ChatView | None: ...

    async def chats_of(self, user_id: UUID, page: Page) -> Listed[ChatView]:
        """The newest first."""
        ...

    async def messages(self, chat_id: UUID, page: Page, *, newest_first: bool) -> Listed[MessageView]:
        """In order of their number, or against it."""
        ...


class Agents(Protocol):
    """What chats know of agents, by their events."""

    async def is_active(self, agent_id: UUID) -> bool: ...

    async def put(self, agent_id: UUID, org_id: UUID, *, name: str, active: bool) -> None: ...


class Members(Protocol):
    """Who belongs to the organisation."""

    async def strangers(self, user_ids: tuple[UUID, ...]) -> list[UUID]:
        """Those of `user_ids` who are no members."""
        ...


class Transaction(Protocol):
    """All of the above in one transaction, under the context of one command."""

    @property
    def context(self) -> Context: ...
    @property
    def chats(self) -> Chats: ...
    @property
    def views(self) -> ChatViews: ...
    @property
    def agents(self) -> Agents: ...
    @property
    def members(self) -> Members: ...
