"""The snapshots of chats: what others keep of it."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.snapshots.source import SnapshotSource, Standing
from chats.adapters import tables
from chats.adapters.chats import chat_of
from chats.adapters.publishing import state_of
from contracts.chats.topics import CHATS


def sources() -> Sequence[SnapshotSource]:
    return [SnapshotSource(CHATS, _chats)]


async def _chats(connection: AsyncConnection) -> AsyncIterator[Standing]:
    async for row in (await connection.stream(select(tables.chats))).mappings():
        chat = chat_of(row)
        yield Standing(chat.id, chat.sequence, chat.org_id, state_of(chat))
