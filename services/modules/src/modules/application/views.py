"""Reads: past the domain, straight to what clients are shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.core import Err, Ok, Result
from chassis.paging import Listed, Page
from modules.application import typed_data
from modules.domain.errors import ModuleNotFound
from modules.domain.kind import Action, Kind
from modules.domain.module import Module

if TYPE_CHECKING:
    from modules.application.ports import Transaction


@dataclass(frozen=True)
class ModuleSummary:
    """A module without its data, which may be large."""

    id: UUID
    kind: str
    name: str
    status: str
    owner_id: UUID
    created_at: datetime
    changed_at: datetime
    revision: int


@dataclass(frozen=True)
class ModuleView(ModuleSummary):
    """A whole module. `deleted` is only seen by who deletes it."""

    data: Mapping[str, Any]
    deleted: bool

    @classmethod
    def of(cls, module: Module) -> "ModuleView":
        return cls(
            id=module.id,
            kind=module.kind.name,
            name=module.name,
            status=module.status,
            owner_id=module.owner_id,
            created_at=module.created_at,
            changed_at=module.changed_at,
            revision=module.revision,
            data=typed_data.to_json(module.data),
            deleted=module.deleted,
        )


@dataclass(frozen=True)
class VersionView:
    """A module after one change. An agent did it where `agent_id`, `agent_version`, `run_id`, `tool_call` are given."""

    number: int
    what: str
    action: str | None
    changed: tuple[str, ...]
    user_id: UUID
    agent_id: UUID | None
    agent_version: int | None
    run_id: UUID | None
    tool_call: UUID | None
    at: datetime
    name: str
    status: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class ActionView:
    name: str
    title: str
    description: str
    permission: str
    possible_in: tuple[str, ...]
    input_schema: Mapping[str, Any]
    example: Mapping[str, Any]

    @classmethod
    def of(cls, action: Action[Any, Any]) -> "ActionView":
        return cls(
            name=action.name,
            title=action.title,
            description=action.description,
            permission=str(action.permission),
            possible_in=tuple(str(status) for status in action.moves),
            input_schema=typed_data.schema(action.input),
            example=typed_data.to_json(action.example),
        )


@dataclass(frozen=True)
class KindView:
    name: str
    title: str
    description: str
    statuses: tuple[str, ...]
    data_schema: Mapping[str, Any]
    example: Mapping[str, Any]
    actions: tuple[ActionView, ...]

    @classmethod
    def of(cls, kind: Kind[Any]) -> "KindView":
        return cls(
            name=kind.name,
            title=kind.title,
            description=kind.description,
            statuses=tuple(str(status) for status in kind.statuses),
            data_schema=typed_data.schema(kind.data),
            example=typed_data.to_json(kind.example),
            actions=tuple(ActionView.of(action) for action in kind.actions),
        )


@dataclass(frozen=True)
class GetModule:
    module_id: UUID


@dataclass(frozen=True)
class ListModules:
    """Those that match all that is given."""

    page: Page
    kind: str | None = None
    status: str | None = None
    owner_id: UUID | None = None


@dataclass(frozen=True)
class ListVersions:
    module_id: UUID
    page: Page


async def get_module(tx: "Transaction", query: GetModule) -> Result[ModuleView]:
    """Refused: ModuleNotFound, also when it was deleted."""
    module = await tx.views.module(query.module_id)
    return Ok(module) if module is not None else Err(ModuleNotFound(query.module_id))


async def list_modules(tx: "Transaction", query: ListModules) -> Result[Listed[ModuleSummary]]:
    """The modules of the caller's organisation."""
    return Ok(await tx.views.modules(query))


async def list_versions(tx: "Transaction", query: ListVersions) -> Result[Listed[VersionView]]:
    """The history, also of a deleted module: who deleted it stands there. Refused: ModuleNotFound."""
    found = await tx.views.versions(query.module_id, query.page)
    if not found.items and query.page.after is None:
        return Err(ModuleNotFound(query.module_id))
    return Ok(found)
