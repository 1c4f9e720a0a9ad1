"""Agents, runs and journals in PostgreSQL, as they are read."""

from uuid import UUID

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from agent.adapters import tables
from agent.application.readable import readable
from agent.application.views import AgentView, RunView, StepView
from agent.domain.journal import Step
from agent.domain.run import Origin, RunStatus
from chassis.paging import Listed, Page

_AGENT = [tables.agents.c[name] for name in AgentView.__dataclass_fields__]
_RUN = [tables.runs.c[{"origin": "message_number"}.get(name, name)] for name in RunView.__dataclass_fields__]


class PostgresViews:
    def __init__(self, connection: AsyncConnection, org_id: UUID | None) -> None:
        self._connection = connection
        self._org_id = org_id

    async def agent(self, agent_id: UUID) -> AgentView | None:
        query = select(*_AGENT).where(tables.agents.c.id == agent_id, tables.agents.c.org_id == self._org_id)
        row = (await self._connection.execute(query)).mappings().first()
        return AgentView(**row) if row is not None else None

    async def agents(self, page: Page) -> Listed[AgentView]:
        query = select(*_AGENT).where(tables.agents.c.org_id == self._org_id)
        if page.after is not None:
            query = query.where(tables.agents.c.id > UUID(str(page.after[0])))
        query = query.order_by(tables.agents.c.id).limit(page.limit + 1)
        rows = (await self._connection.execute(query)).mappings().all()
        return Listed.cut([AgentView(**row) for row in rows], page, lambda agent: (str(agent.id),))

    async def run(self, run_id: UUID) -> RunView | None:
        query = select(*_RUN).where(tables.runs.c.id == run_id, tables.runs.c.org_id == self._org_id)
        row = (await self._connection.execute(query)).mappings().first()
        return _run_view(row) if row is not None else None

    async def runs(self, page: Page, *, user_id: UUID | None) -> Listed[RunView]:
        query = select(*_RUN).where(tables.runs.c.org_id == self._org_id)
        if user_id is not None:
            query = query.where(tables.runs.c.user_id == user_id)
        if page.after is not None:
            query = query.where(tables.runs.c.id < UUID(str(page.after[0])))
        query = query.order_by(tables.runs.c.id.desc()).limit(page.limit + 1)
        rows = (await self._connection.execute(query)).mappings().all()
        return Listed.cut([_run_view(row) for row in rows], page, lambda run: (str(run.id),))

    async def steps(self, run_id: UUID, page: Page) -> Listed[StepView]:
        steps = tables.run_steps.c
        query = select(steps.number, steps.name, steps.result, steps.finished_at).where(steps.run_id == run_id)
        if page.after is not None:
            query = query.where(steps.number > int(page.after[0]))
        rows = (await self._connection.execute(query.order_by(steps.number).limit(page.limit + 1))).all()
        views = [readable(Step(row.number, row.name, row.result), row.finished_at) for row in rows]
        return Listed.cut(views, page, lambda step: (step.number,))


def _run_view(row: RowMapping) -> RunView:
    shown = dict(row)
    origin = Origin.ACT if shown.pop("message_number") is None else Origin.MESSAGE
    return RunView(**{**shown, "status": RunStatus(row["status"]), "origin": origin})
