"""Chats in PostgreSQL, as they are changed: the hottest write there is, so its statements go past SQLAlchemy."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert

from chassis.database import driver
from chassis.use_case import ChangedMeanwhile, Work
from chats.adapters import tables
from chats.adapters.publishing import to_contract
from chats.domain.chat import Chat
from chats.domain.message import Message

_COLUMNS = ", ".join(column.name for column in tables.chats.c)
# Row security alone would not do: a batch of events may see the rows of several organisations.
_GET = f"SELECT {_COLUMNS} FROM chats WHERE id = $1 AND org_id = $2 FOR UPDATE"  # noqa: S608  made of constants
# One statement, and so one round trip, for the versioned chat and its new message.
_SAVE = """
WITH changed AS (
    UPDATE chats SET last_number = $3, revision = $4, sequence = $5 WHERE id = $1 AND sequence = $2 RETURNING id, org_id
)
INSERT INTO messages (id, chat_id, org_id, number, author_kind, author_id, text, run_id, sent_at)
SELECT $6, id, org_id, $7, $8, $9, $10, $11, $12 FROM changed
"""
_SAVED = "INSERT 0 1"


class PostgresChats:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def get(self, chat_id: UUID) -> Chat | None:
        raw = await driver(self._work.connection)
        row = await raw.fetchrow(_GET, chat_id, self._work.context.organisation)
        return chat_of(row) if row is not None else None

    async def add(self, chat: Chat) -> None:
        await self._work.connection.execute(insert(tables.chats), _row(chat))
        self._work.publish(chat, to_contract, org_id=chat.org_id)

    async def save(self, chat: Chat, message: Message) -> None:
        """Raises ChangedMeanwhile."""
        raw = await driver(self._work.connection)
        changed = (chat.id, chat.stored_sequence, chat.last_number, chat.revision, chat.sequence)
        author = message.author
        added = (message.id, message.number, author.kind, author.id, message.text, message.run_id, message.sent_at)
        if await raw.execute(_SAVE, *changed, *added) != _SAVED:
            raise ChangedMeanwhile("chats")
        self._work.publish(chat, to_contract, org_id=chat.org_id)


def _row(chat: Chat) -> dict[str, Any]:
    return {column.name: getattr(chat, column.name) for column in tables.chats.c} | {
        "participants": list(chat.participants)
    }


def chat_of(row: Mapping[str, Any] | RowMapping) -> Chat:
    return Chat(**{**row, "participants": tuple(row["participants"])})
