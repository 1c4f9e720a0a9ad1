"""Chats in PostgreSQL, as they are read; what is read most goes past SQLAlchemy."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.database import driver
from chassis.paging import Listed, Page
from chats.adapters import tables
from chats.application.views import ChatView, MessageView

_CHAT = [tables.chats.c[name] for name in ChatView.__dataclass_fields__]

_GET = f"SELECT {', '.join(ChatView.__dataclass_fields__)} FROM chats WHERE id = $1"  # noqa: S608  made of constants
_MESSAGES = f"SELECT {', '.join(MessageView.__dataclass_fields__)} FROM messages WHERE chat_id = $1"  # noqa: S608  too
_OLDER = f"{_MESSAGES} AND number < $2 ORDER BY number DESC LIMIT $3"
_NEWER = f"{_MESSAGES} AND number > $2 ORDER BY number LIMIT $3"
_LARGEST = 2**31 - 1


class PostgresChatViews:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def chat(self, chat_id: UUID) -> ChatView | None:
        row = await (await driver(self._connection)).fetchrow(_GET, chat_id)
        return _chat_view(row) if row is not None else None

    async def chats_of(self, user_id: UUID, page: Page) -> Listed[ChatView]:
        chats = tables.chats.c
        # `@>` and not `= ANY`: only the former uses the GIN index over the participants.
        query = select(*_CHAT).where(chats.participants.contains([user_id]))
        if page.after is not None:
            query = query.where(chats.id < UUID(str(page.after[0])))
        query = query.order_by(chats.id.desc()).limit(page.limit + 1)
        rows = (await self._connection.execute(query)).mappings().all()
        return Listed.cut([_chat_view(row) for row in rows], page, lambda chat: (str(chat.id),))

    async def messages(self, chat_id: UUID, page: Page, *, newest_first: bool) -> Listed[MessageView]:
        last = int(page.after[0]) if page.after is not None else _LARGEST if newest_first else 0
        raw = await driver(self._connection)
        rows = await raw.fetch(_OLDER if newest_first else _NEWER, chat_id, last, page.limit + 1)
        return Listed.cut([MessageView(**row) for row in rows], page, lambda message: (message.number,))


def _chat_view(row: Mapping[str, Any] | RowMapping) -> ChatView:
    return ChatView(**{**row, "participants": tuple(row["participants"])})
