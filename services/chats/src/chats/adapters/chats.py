"""Chats in PostgreSQL, as they are changed."""

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, update

from chassis.use_case import Work
from chats.adapters import tables
from chats.adapters.publishing import to_contract
from chats.domain.chat import Chat
from chats.domain.message import Message


class PostgresChats:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def get(self, chat_id: UUID) -> Chat | None:
        # Row security alone would not do: a batch of events may see the rows of several organisations.
        mine = tables.chats.c.org_id == self._work.context.organisation
        query = select(tables.chats).where(tables.chats.c.id == chat_id, mine).with_for_update()
        row = (await self._work.connection.execute(query)).mappings().first()
        return chat_of(row) if row is not None else None

    async def add(self, chat: Chat) -> None:
        await self._work.connection.execute(insert(tables.chats).values(_row(chat)))
        self._work.publish(chat, to_contract, org_id=chat.org_id)

    async def save(self, chat: Chat, message: Message) -> None:
        changed = (
            update(tables.chats)
            .where(tables.chats.c.id == chat.id, tables.chats.c.sequence == chat.stored_sequence)
            .values(last_number=chat.last_number, revision=chat.revision, sequence=chat.sequence)
        )
        await self._work.change_one(changed)
        await self._work.connection.execute(insert(tables.messages).values(_message_row(message)))
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
