"""What chats know of agents, in PostgreSQL."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from chats.adapters import tables


class PostgresAgents:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def is_active(self, agent_id: UUID) -> bool:
        query = select(tables.agents.c.active).where(tables.agents.c.id == agent_id)
        return bool((await self._connection.execute(query)).scalar())

    async def put(self, agent_id: UUID, org_id: UUID, *, name: str, active: bool) -> None:
        row = insert(tables.agents).values(id=agent_id, org_id=org_id, name=name, active=active)
        await self._connection.execute(
            row.on_conflict_do_update(index_elements=["id"], set_={"name": name, "active": active})
        )
