"""Who belongs to the organisation, by the chassis' projection of memberships."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from chats.adapters import tables


class PostgresMembers:
    def __init__(self, connection: AsyncConnection, org_id: UUID | None) -> None:
        self._connection = connection
        self._org_id = org_id

    async def strangers(self, user_ids: tuple[UUID, ...]) -> list[UUID]:
        if not user_ids:
            return []
        members = tables.memberships.c
        query = select(members.user_id).where(
            members.org_id == self._org_id, members.user_id.in_(user_ids), members.active
        )
        known = set((await self._connection.execute(query)).scalars())
        return [user_id for user_id in user_ids if user_id not in known]
