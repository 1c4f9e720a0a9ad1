"""Modules in PostgreSQL, as they are changed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, insert, select, update

from chassis.use_case import Work
from modules.adapters import tables
from modules.adapters.publishing import to_contract
from modules.application import typed_data
from modules.domain.kind import Kind
from modules.domain.module import Module
from modules.domain.version import Version

_MODULE = tables.modules.c
# Made once: SQLAlchemy takes longer to put a statement together than to send it.
_OURS = (_MODULE.id == bindparam("module_id"), _MODULE.org_id == bindparam("our_id"))
_GET = select(tables.modules).where(*_OURS, ~_MODULE.deleted).with_for_update()
_SAVE = update(tables.modules).where(*_OURS, _MODULE.sequence == bindparam("stored_sequence"))


class PostgresModules:
    def __init__(self, work: Work, kinds: Mapping[str, Kind[Any]]) -> None:
        self._work = work
        self._kinds = kinds

    async def get(self, module_id: UUID) -> Module | None:
        which = {"module_id": module_id, "our_id": self._work.context.org_id}
        row = (await self._work.connection.execute(_GET, which)).mappings().first()
        return _module(row, self._kinds) if row is not None else None

    async def add(self, module: Module, version: Version) -> None:
        await self._work.connection.execute(insert(tables.modules), _row(module))
        await self._note(module, version)

    async def save(self, module: Module, version: Version) -> None:
        which = {"module_id": module.id, "our_id": module.org_id, "stored_sequence": module.stored_sequence}
        await self._work.change_one(_SAVE, which | _row(module))
        await self._note(module, version)

    async def _note(self, module: Module, version: Version) -> None:
        await self._work.connection.execute(insert(tables.module_versions), _version_row(version))
        self._work.publish(module, to_contract, org_id=module.org_id)


def _module(row: RowMapping, kinds: Mapping[str, Kind[Any]]) -> Module:
    kind = kinds[row["kind"]]
    known = {name: value for name, value in row.items() if name != "name"}
    return Module(**{**known, "kind": kind, "data": typed_data.stored(kind.data, row["data"])})


def _row(module: Module) -> dict[str, Any]:
    row = {column.name: getattr(module, column.name) for column in tables.modules.c}
    return row | {"kind": module.kind.name, "data": typed_data.to_json(module.data)}


def _version_row(version: Version) -> dict[str, Any]:
    actor = version.by.actor
    return {
        "module_id": version.module_id,
        "number": version.number,
        "org_id": version.org_id,
        "what": version.what,
        "action": version.action,
        "changed": list(version.changed),
        "user_id": actor.user_id,
        "agent_id": actor.agent_id,
        "agent_version": actor.agent_version,
        "run_id": actor.run_id,
        "tool_call": version.by.tool_call,
        "at": version.at,
        "name": version.name,
        "status": version.status,
        "data": typed_data.to_json(version.data),
    }
