"""Chats in PostgreSQL, as they are read."""

from uuid import UUID

from sqlalchemy import RowMapping, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.paging import Listed, Page
from chats.adapters import tables
from chats.application.views import ChatView, MessageView

_CHAT = [tables.chats.c[name] for name in ChatView.__dataclass_fields__]
_MESSAGE = [tables.messages.c[name] for name in MessageView.__dataclass_fields__]

# Made once: SQLAlchemy takes longer to put a statement together than to send it.
_GET = select(*_CHAT).where(tables.chats.c.id == bindparam("chat_id"))
_NUMBER = tables.messages.c.number
_MESSAGES = select(*_MESSAGE).where(tables.messages.c.chat_id == bindparam("chat_id")).limit(bindparam("most"))
_OLDER = _MESSAGES.where(bindparam("last") > _NUMBER).order_by(_NUMBER.desc())
_NEWER = _MESSAGES.where(bindparam("last") < _NUMBER).order_by(_NUMBER)
_LARGEST = 2**31 - 1


class PostgresChatViews:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def chat(self, chat_id: UUID) -> ChatView | None:
        row = (await self._connection.execute(_GET, {"chat_id": chat_id})).mappings().first()
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
        which = {"chat_id": chat_id, "last": last, "most": page.limit + 1}
        rows = (await self._connection.execute(_OLDER if newest_first else _NEWER, which)).mappings().all()
        return Listed.cut([MessageView(**row) for row in rows], page, lambda message: (message.number,))


def _chat_view(row: RowMapping) -> ChatView:
    return ChatView(**{**row, "participants": tuple(row["participants"])})
