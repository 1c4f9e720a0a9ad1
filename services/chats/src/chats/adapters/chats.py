"""Chats in PostgreSQL, as they are changed."""

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, insert, select, update

from chassis.use_case import Work
from chats.adapters import tables
from chats.adapters.publishing import to_contract
from chats.domain.chat import Chat
from chats.domain.message import Message

_CHAT = tables.chats.c
_CHANGING = ("last_number", "revision", "sequence")
# Made once: SQLAlchemy takes longer to put a statement together than to send it.
# Row security alone would not do: a batch of events may see the rows of several organisations.
_GET = (
    select(tables.chats).where(_CHAT.id == bindparam("chat_id"), _CHAT.org_id == bindparam("our_id")).with_for_update()
)
_SAVE = update(tables.chats).where(_CHAT.id == bindparam("chat_id"), _CHAT.sequence == bindparam("stored_sequence"))


class PostgresChats:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def get(self, chat_id: UUID) -> Chat | None:
        which = {"chat_id": chat_id, "our_id": self._work.context.organisation}
        row = (await self._work.connection.execute(_GET, which)).mappings().first()
        return chat_of(row) if row is not None else None

    async def add(self, chat: Chat) -> None:
        await self._work.connection.execute(insert(tables.chats), _row(chat))
        self._work.publish(chat, to_contract, org_id=chat.org_id)

    async def save(self, chat: Chat, message: Message) -> None:
        which = {"chat_id": chat.id, "stored_sequence": chat.stored_sequence}
        await self._work.change_one(_SAVE, which | {name: getattr(chat, name) for name in _CHANGING})
        await self._work.connection.execute(insert(tables.messages), _message_row(message))
        self._work.publish(chat, to_contract, org_id=chat.org_id)


def _row(chat: Chat) -> dict[str, Any]:
    return {column.name: getattr(chat, column.name) for column in tables.chats.c} | {
        "participants": list(chat.participants)
    }


def _message_row(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "chat_id": message.chat_id,
        "org_id": message.org_id,
        "number": message.number,
        "author_kind": message.author.kind,
        "author_id": message.author.id,
        "text": message.text,
        "run_id": message.run_id,
        "sent_at": message.sent_at,
    }


def chat_of(row: RowMapping) -> Chat:
    return Chat(**{**row, "participants": tuple(row["participants"])})
