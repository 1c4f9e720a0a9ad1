"""Modules in PostgreSQL, as they are read."""

from uuid import UUID

from sqlalchemy import bindparam, select

from chassis.paging import Listed, Page
from chassis.use_case import Work
from modules.adapters import tables
from modules.application.views import ListModules, ModuleSummary, ModuleView, VersionView

_MODULE = [tables.modules.c[name] for name in ModuleView.__dataclass_fields__]
_SUMMARY = [tables.modules.c[name] for name in ModuleSummary.__dataclass_fields__]
_VERSION = [tables.module_versions.c[name] for name in VersionView.__dataclass_fields__]

_COLUMN = tables.modules.c
# Made once: SQLAlchemy takes longer to put a statement together than to send it.
_GET = select(*_MODULE).where(
    _COLUMN.id == bindparam("module_id"), _COLUMN.org_id == bindparam("our_id"), ~_COLUMN.deleted
)


class PostgresModuleViews:
    def __init__(self, work: Work) -> None:
        self._connection = work.connection
        self._org_id = work.context.org_id

    async def module(self, module_id: UUID) -> ModuleView | None:
        which = {"module_id": module_id, "our_id": self._org_id}
        row = (await self._connection.execute(_GET, which)).mappings().first()
        return ModuleView(**row) if row is not None else None

    async def modules(self, query: ListModules) -> Listed[ModuleSummary]:
        modules, page = tables.modules.c, query.page
        wanted = {modules.kind: query.kind, modules.status: query.status, modules.owner_id: query.owner_id}
        found = select(*_SUMMARY).where(modules.org_id == self._org_id, ~modules.deleted)
        found = found.where(*(column == value for column, value in wanted.items() if value is not None))
        if page.after is not None:
            found = found.where(modules.id < UUID(str(page.after[0])))
        found = found.order_by(modules.id.desc()).limit(page.limit + 1)
        rows = (await self._connection.execute(found)).mappings().all()
        return Listed.cut([ModuleSummary(**row) for row in rows], page, lambda module: (str(module.id),))

    async def versions(self, module_id: UUID, page: Page) -> Listed[VersionView]:
        versions = tables.module_versions.c
        found = select(*_VERSION).where(versions.module_id == module_id, versions.org_id == self._org_id)
        if page.after is not None:
            found = found.where(versions.number < int(page.after[0]))
        found = found.order_by(versions.number.desc()).limit(page.limit + 1)
        rows = (await self._connection.execute(found)).mappings().all()
        views = [VersionView(**{**row, "changed": tuple(row["changed"])}) for row in rows]
        return Listed.cut(views, page, lambda version: (version.number,))
