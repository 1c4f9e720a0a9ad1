"""What a run is told of kinds, modules and its chat: reads of this service's own projections, a transaction each."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import case, func, or_, select

from agent.adapters import tables
from agent.application.ports import ModuleSummary, Turn
from agent.domain.journal import JsonValue, Lease
from agent.domain.tools import Action, Kind
from chassis.database import Database

TURNS_AT_MOST = 20


class PostgresKinds:
    """The module kinds as last published."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[Kind]:
        async with self._database.transaction([]) as connection:
            rows = await connection.execute(select(tables.kinds).order_by(tables.kinds.c.name))
            return [
                Kind(row.name, row.title, row.description, row.data_schema, tuple(Action(**one) for one in row.actions))
                for row in rows
            ]


class PostgresModules:
    """The projection of modules."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, org_id: UUID, *, text: str | None, kind: str | None, limit: int) -> Sequence[ModuleSummary]:
        modules, sought = tables.modules.c, (text or "").lower()
        name = func.lower(modules.name)
        query = select(modules.id, modules.kind, modules.name, modules.status).where(
            modules.org_id == org_id, ~modules.deleted, func.strpos(name, sought) > 0
        )
        if kind is not None:
            query = query.where(modules.kind == kind)
        best = case((name == sought, 0), (func.starts_with(name, sought), 1), else_=2)
        async with self._database.transaction([org_id]) as connection:
            rows = await connection.execute(query.order_by(best, name, modules.id).limit(limit))
            return [ModuleSummary(row.id, row.kind, row.name, row.status) for row in rows]

    async def read(self, org_id: UUID, module_id: UUID) -> dict[str, JsonValue] | None:
        modules = tables.modules.c
        query = select(modules.state).where(modules.org_id == org_id, modules.id == module_id, ~modules.deleted)
        async with self._database.transaction([org_id]) as connection:
            state: dict[str, JsonValue] | None = (await connection.execute(query)).scalar_one_or_none()
            return state


class PostgresConversations:
    """The transcript of chats."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def before(self, lease: Lease) -> Sequence[Turn]:
        messages, runs = tables.messages.c, tables.runs.c
        by_another_run = messages.run_id.is_distinct_from(lease.run_id)
        earlier = or_(runs.message_number.is_(None), messages.number < runs.message_number, messages.author == "agent")
        query = (
            select(messages.author, messages.text)
            .join(tables.runs, runs.chat_id == messages.chat_id)
            .where(runs.id == lease.run_id, messages.author != "system", by_another_run, earlier)
            .order_by(messages.number.desc())
            .limit(TURNS_AT_MOST)
        )
        async with self._database.transaction([lease.org_id]) as connection:
            rows = (await connection.execute(query)).all()
            return [Turn(row.author, row.text) for row in reversed(rows)]
