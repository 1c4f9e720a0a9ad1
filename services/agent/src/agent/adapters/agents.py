"""Agents in PostgreSQL, as they are changed and asked."""

from uuid import UUID

from sqlalchemy import ColumnElement, insert, select

from agent.adapters import tables
from agent.adapters.publishing import agent_to_contract
from agent.domain.agent import Agent, AgentStatus
from chassis.use_case import Work


class PostgresAgents:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def get(self, agent_id: UUID) -> Agent | None:
        return await self._one(tables.agents.c.id == agent_id)

    async def first(self) -> Agent | None:
        return await self._one(tables.agents.c.status == AgentStatus.ACTIVE)

    async def add(self, agent: Agent) -> None:
        row = {column.name: getattr(agent, column.name) for column in tables.agents.c}
        await self._work.connection.execute(insert(tables.agents), row)
        self._work.publish(agent, agent_to_contract, org_id=agent.org_id)

    async def _one(self, condition: ColumnElement[bool]) -> Agent | None:
        # Row security alone would not do: a batch of events may see the rows of several organisations.
        mine = tables.agents.c.org_id == self._work.context.organisation
        query = select(tables.agents).where(mine, condition).order_by(tables.agents.c.id).limit(1)
        row = (await self._work.connection.execute(query)).mappings().first()
        return Agent(**{**row, "status": AgentStatus(row["status"])}) if row is not None else None
