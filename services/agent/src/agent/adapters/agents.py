"""Agents in PostgreSQL, as they are changed and asked."""

from uuid import UUID

from sqlalchemy import RowMapping, Select, insert, select

from agent.adapters import tables
from agent.adapters.publishing import agent_to_contract
from agent.domain.agent import Agent, AgentStatus
from chassis.use_case import Work


class PostgresAgents:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def get(self, agent_id: UUID) -> Agent | None:
        return await self._one(select(tables.agents).where(tables.agents.c.id == agent_id))

    async def first(self) -> Agent | None:
        agents = tables.agents.c
        active = select(tables.agents).where(agents.org_id == self._work.context.org_id, agents.status == "active")
        return await self._one(active.order_by(agents.id).limit(1))

    async def add(self, agent: Agent) -> None:
        row = {column.name: getattr(agent, column.name) for column in tables.agents.c}
        await self._work.connection.execute(insert(tables.agents).values(row))
        self._work.publish(agent, agent_to_contract, org_id=agent.org_id)

    async def _one(self, query: Select[tuple[object, ...]]) -> Agent | None:
        row: RowMapping | None = (await self._work.connection.execute(query)).mappings().first()
        return Agent(**{**row, "status": AgentStatus(row["status"])}) if row is not None else None
