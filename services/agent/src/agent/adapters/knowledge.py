"""What a run is told of kinds, modules and its chat: reads of this service's own projections, a transaction each."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, case, func, or_, select

from agent.adapters import tables
from agent.application.ports import ModuleSummary, Turn
from agent.domain.journal import JsonValue, Lease
from agent.domain.tools import Action, Kind
from chassis.database import Database

TURNS_AT_MOST = 20

# Made once: each run begins with these.
_KINDS = select(tables.kinds).order_by(tables.kinds.c.name)
_MESSAGES, _RUNS = tables.messages.c, tables.runs.c
_BEFORE = (
    select(_MESSAGES.author, _MESSAGES.text)
    .join(tables.runs, _RUNS.chat_id == _MESSAGES.chat_id)
    .where(
        _RUNS.id == bindparam("run_id"),
        _MESSAGES.author != "system",
        _MESSAGES.run_id.is_distinct_from(bindparam("run_id")),
        or_(_RUNS.message_number.is_(None), _MESSAGES.number < _RUNS.message_number, _MESSAGES.author == "agent"),
    )
    .order_by(_MESSAGES.number.desc())
    .limit(TURNS_AT_MOST)
)


class PostgresKinds:
    """The module kinds as last published."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[Kind]:
        async with self._database.transaction([]) as connection:
            rows = await connection.execute(_KINDS)
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
        async with self._database.transaction([lease.org_id]) as connection:
            rows = (await connection.execute(_BEFORE, {"run_id": lease.run_id})).all()
            return [Turn(row.author, row.text) for row in reversed(rows)]
