"""The ports of modules in memory. `integration/test_storage.py` holds them to what PostgreSQL does."""

from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from chassis.core import Err, Failure, NotYet, Ok
from chassis.paging import Listed, Page
from chassis.use_case import Context
from contracts.permissions import Role
from modules.application import typed_data
from modules.application.ports import Transaction
from modules.application.views import KindView, ListModules, ModuleSummary, ModuleView, VersionView
from modules.domain.module import Module
from modules.domain.version import Version

V = TypeVar("V")


@dataclass(frozen=True)
class FixedClock:
    moment: datetime

    def now(self) -> datetime:
        return self.moment


@dataclass
class InMemoryWorld:
    """What is stored, and what has left. `replies` are (command id, slug of the refusal or None)."""

    modules: dict[UUID, Module] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)
    roles: dict[tuple[UUID, UUID], Role | None] = field(default_factory=dict)
    settled: dict[tuple[UUID, UUID], str | None] = field(default_factory=dict)
    replies: list[tuple[UUID, str | None]] = field(default_factory=list)
    kinds: list[KindView] = field(default_factory=list)

    async def do(self, context: Context, body: Callable[[Transaction], Awaitable[V]]) -> V:
        """One transaction: `Err` and `NotYet` leave nothing behind."""
        before = {name: copy(value) for name, value in vars(self).items()}
        result = await body(InMemoryTransaction(self, context))
        if isinstance(result, Err | NotYet):
            vars(self).update(before)
        return result


class InMemoryTransaction:
    def __init__(self, world: InMemoryWorld, context: Context) -> None:
        self.world = world
        self.context = context
        self.modules = InMemoryModules(world, context)
        self.views = InMemoryModuleViews(world, context)
        self.members = InMemoryMembers(world, context)
        self.commands = InMemoryCommands(world, context)
        self.kinds = InMemoryKinds(world)

    def acting(self, role: Role, command_id: UUID) -> "InMemoryTransaction":
        return InMemoryTransaction(self.world, replace(self.context, role=role, command_id=command_id))


@dataclass
class InMemoryModules:
    world: InMemoryWorld
    context: Context

    async def get(self, module_id: UUID) -> Module | None:
        found = self.world.modules.get(module_id)
        return copy(found) if found and found.org_id == self.context.org_id and not found.deleted else None

    async def add(self, module: Module, version: Version) -> None:
        await self.save(module, version)

    async def save(self, module: Module, version: Version) -> None:
        module.take_recorded()
        self.world.modules[module.id] = copy(module)
        self.world.versions.append(version)


@dataclass
class InMemoryModuleViews:
    world: InMemoryWorld
    context: Context

    async def module(self, module_id: UUID) -> ModuleView | None:
        found = await InMemoryModules(self.world, self.context).get(module_id)
        return ModuleView.of(found) if found else None

    async def modules(self, query: ListModules) -> Listed[ModuleSummary]:
        mine = [one for one in self.world.modules.values() if one.org_id == self.context.org_id and not one.deleted]
        views = [ModuleView.of(module) for module in sorted(mine, key=lambda module: module.id, reverse=True)]
        wanted = {"kind": query.kind, "status": query.status, "owner_id": query.owner_id}
        rows = [
            ModuleSummary(**{name: getattr(view, name) for name in ModuleSummary.__dataclass_fields__})
            for view in views
            if all(value is None or getattr(view, name) == value for name, value in wanted.items())
            and (query.page.after is None or str(view.id) < str(query.page.after[0]))
        ]
        return Listed.cut(rows[: query.page.limit + 1], query.page, lambda module: (str(module.id),))

    async def versions(self, module_id: UUID, page: Page) -> Listed[VersionView]:
        mine = [one for one in self.world.versions if (one.module_id, one.org_id) == (module_id, self.context.org_id)]
        rows = [_shown(one) for one in reversed(mine) if page.after is None or one.number < int(page.after[0])]
        return Listed.cut(rows[: page.limit + 1], page, lambda version: (version.number,))


@dataclass
class InMemoryMembers:
    world: InMemoryWorld
    context: Context

    async def role(self, user_id: UUID) -> Role | None:
        return self.world.roles[self.context.organisation, user_id]


@dataclass
class InMemoryCommands:
    world: InMemoryWorld
    context: Context

    async def reply_again(self, command_id: UUID) -> bool:
        known = (self.context.organisation, command_id)
        if known not in self.world.settled:
            return False
        self.world.replies.append((command_id, self.world.settled[known]))
        return True

    async def complete(self, command_id: UUID, run_id: UUID, module: ModuleView) -> None:
        self._settle(command_id, None)

    async def refuse(self, command_id: UUID, run_id: UUID, failure: Failure) -> None:
        self._settle(command_id, failure.slug)

    def _settle(self, command_id: UUID, slug: str | None) -> None:
        self.world.settled[self.context.organisation, command_id] = slug
        self.world.replies.append((command_id, slug))


@dataclass
class InMemoryKinds:
    world: InMemoryWorld

    def put(self, kind: KindView) -> None:
        self.world.kinds.append(kind)


def _shown(version: Version) -> VersionView:
    actor = version.by.actor
    assert actor.user_id is not None
    return VersionView(
        number=version.number,
        what=version.what,
        action=version.action,
        changed=version.changed,
        user_id=actor.user_id,
        agent_id=actor.agent_id,
        agent_version=actor.agent_version,
        run_id=actor.run_id,
        tool_call=version.by.tool_call,
        at=version.at,
        name=version.name,
        status=version.status,
        data=typed_data.to_json(version.data),
    )


def value_of(result: object) -> object:
    """The value of an `Ok`; anything else fails the test."""
    assert isinstance(result, Ok), result
    return result.value
