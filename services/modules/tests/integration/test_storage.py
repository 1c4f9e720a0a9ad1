"""What the ports of modules promise, held against PostgreSQL and against the fakes."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import UUID

import pytest

from chassis.core import Ok, Result, new_id
from chassis.database import Database
from chassis.outbox.store import OutboxStore
from chassis.paging import Listed, Page
from chassis.use_case import ChangedMeanwhile, Context, Runner, Work
from modules.adapters.transaction import PostgresTransaction
from modules.application.ports import Transaction
from modules.application.views import ListModules, ModuleSummary, ModuleView
from modules.domain.errors import NotAMember
from modules.domain.kind import Kind
from modules.domain.module import Module
from modules.domain.version import Doer, Version
from modules.kinds import all_kinds
from modules.kinds.document import KIND as DOCUMENT
from modules.kinds.project import KIND as PROJECT
from modules.kinds.project import START, Project

from ..builders import NOW, a_context, a_new_module
from ..fakes import InMemoryWorld

V = TypeVar("V")
FIRST = Page(50)


class World(Protocol):
    async def do(self, context: Context, body: Callable[[Transaction], Awaitable[Result[V]]]) -> Result[V]: ...


class PostgresWorld:
    def __init__(self, database: Database) -> None:
        self._runner = Runner(database, OutboxStore(), partial(PostgresTransaction, known_kinds=all_kinds()))

    async def do(self, context: Context, body: Callable[[Transaction], Awaitable[Result[V]]]) -> Result[V]:
        return await self._runner.transact(context, lambda work: body(self._runner.bind(work)))


@pytest.fixture(params=["memory", "postgres"])
async def world(request: pytest.FixtureRequest, database: Database) -> World:
    return InMemoryWorld() if request.param == "memory" else PostgresWorld(database)


@pytest.mark.parametrize("kind", all_kinds().values(), ids=lambda kind: kind.name)
async def test_a_module_of_every_kind_comes_back_as_it_was_stored(world: World, kind: Kind[Any]) -> None:
    context = a_context()
    module = await _add(world, context, kind)
    found = await _get(world, context, module)
    assert found is not None
    assert vars(found) == vars(module)
    view = await _read(world, context, lambda tx: tx.views.module(module.id))
    assert view == ModuleView.of(module)


async def test_a_change_is_stored_with_its_version(world: World) -> None:
    context = a_context(agent=True)
    module = await _add(world, context)
    by = Doer(context.actor, new_id())
    await _change(world, context, module, lambda found: _changed(found, Project(name="Winter Tour"), by))
    await _change(world, context, module, lambda found: _started(found, by))
    found = await _get(world, context, module)
    assert found is not None
    assert (found.name, found.status, found.revision) == ("Winter Tour", "active", 3)
    listed: Listed[Any] = await _read(world, context, lambda tx: tx.views.versions(module.id, FIRST))
    newest, changed, first = listed.items
    assert (newest.number, newest.what, newest.action) == (3, "action-applied", "start")
    assert (changed.number, changed.what, set(changed.changed)) == (2, "changed", {"name", "client", "configuration"})
    assert (changed.name, changed.data["client"], changed.status) == ("Winter Tour", None, "planned")
    assert (first.number, first.what, first.agent_id, first.tool_call) == (1, "created", None, None)
    actor = context.actor
    whose = (newest.user_id, newest.agent_id, newest.agent_version, newest.run_id, newest.tool_call)
    assert whose == (actor.user_id, actor.agent_id, actor.agent_version, actor.run_id, by.tool_call)


async def test_a_change_of_an_outdated_module_is_not_stored(database: Database) -> None:
    world, context = PostgresWorld(database), a_context()
    outdated = await _add(world, context)
    by = Doer(context.actor)
    await _change(world, context, outdated, lambda found: _started(found, by))
    outdated.take_recorded()
    version = _changed(outdated, Project(name="Winter Tour"), by)

    async def save(tx: Transaction) -> Result[None]:
        await tx.modules.save(outdated, version)
        return Ok(None)

    with pytest.raises(ChangedMeanwhile):
        await world.do(context, save)


async def test_a_deleted_module_is_gone_but_for_its_history(world: World) -> None:
    context = a_context()
    module = await _add(world, context)
    by = Doer(context.actor)
    await _change(world, context, module, lambda found: found.delete(by=by, now=NOW))
    assert await _get(world, context, module) is None
    assert await _read(world, context, lambda tx: tx.views.module(module.id)) is None
    listed = await _list(world, context, ListModules(FIRST))
    assert listed.items == []
    versions = await _read(world, context, lambda tx: tx.views.versions(module.id, FIRST))
    assert [version.what for version in versions.items] == ["deleted", "created"]


async def test_other_organisations_see_nothing_of_a_module(world: World) -> None:
    module = await _add(world, a_context())
    stranger = a_context()
    assert await _get(world, stranger, module) is None
    assert await _read(world, stranger, lambda tx: tx.views.module(module.id)) is None
    assert (await _list(world, stranger, ListModules(FIRST))).items == []
    assert (await _read(world, stranger, lambda tx: tx.views.versions(module.id, FIRST))).items == []


async def test_the_codes_own_filter_holds_where_a_transaction_sees_several_organisations(database: Database) -> None:
    mine, other = a_context(), a_context()
    module = await _add(PostgresWorld(database), other)
    async with database.transaction([mine.organisation, other.organisation]) as connection:
        tx = PostgresTransaction(Work(connection, mine), all_kinds())
        assert await tx.modules.get(module.id) is None
        assert await tx.views.module(module.id) is None
        assert (await tx.views.modules(ListModules(FIRST))).items == []
        assert (await tx.views.versions(module.id, FIRST)).items == []


async def test_lists_are_newest_first_and_go_on_where_a_page_ended(world: World) -> None:
    context = a_context()
    added = [await _add(world, context) for _ in range(5)]
    seen: list[UUID] = []
    page: Page | None = Page(2)
    while page is not None:
        listed = await _list(world, context, ListModules(page))
        seen += [module.id for module in listed.items]
        page = Page(2, listed.end) if listed.end is not None else None
    assert seen == [module.id for module in reversed(added)]


async def test_lists_are_narrowed_by_kind_status_and_owner_together(world: World) -> None:
    context = a_context()
    project, document = await _add(world, context), await _add(world, context, DOCUMENT)
    active = await _add(world, context)
    await _change(world, context, active, lambda found: _started(found, Doer(context.actor)))
    cases = [
        (ListModules(FIRST, kind="document"), {document.id}),
        (ListModules(FIRST, status="planned"), {project.id}),
        (ListModules(FIRST, kind="project", status="active"), {active.id}),
        (ListModules(FIRST, owner_id=project.owner_id), {project.id}),
        (ListModules(FIRST, kind="document", owner_id=project.owner_id), set()),
        (ListModules(FIRST, kind="poster"), set()),
    ]
    for query, wanted in cases:
        listed = await _list(world, context, query)
        assert {module.id for module in listed.items} == wanted


async def test_a_settled_command_is_known_in_its_organisation_only(world: World) -> None:
    context, other, command_id, run_id = a_context(), a_context(), new_id(), new_id()

    async def refuse(tx: Transaction) -> Result[None]:
        await tx.commands.refuse(command_id, run_id, NotAMember())
        return Ok(None)

    for whose in (context, other):
        assert not await _read(world, whose, lambda tx: tx.commands.reply_again(command_id))
        await world.do(whose, refuse)
        assert await _read(world, whose, lambda tx: tx.commands.reply_again(command_id))


async def test_an_unknown_membership_is_not_the_same_as_none(world: World) -> None:
    context = a_context()
    with pytest.raises(LookupError):
        await _read(world, context, lambda tx: tx.members.role(context.user_id))


async def _add(world: World, context: Context, kind: Kind[Any] = PROJECT) -> Module:
    """A module of a user of that organisation, stored."""
    module, version = a_new_module(kind, org_id=context.org_id)

    async def add(tx: Transaction) -> Result[None]:
        await tx.modules.add(module, version)
        return Ok(None)

    assert isinstance(await world.do(context, add), Ok)
    return module


async def _change(world: World, context: Context, module: Module, change: Callable[[Module], Version]) -> None:
    async def body(tx: Transaction) -> Result[None]:
        found = await tx.modules.get(module.id)
        assert found is not None
        await tx.modules.save(found, change(found))
        return Ok(None)

    assert isinstance(await world.do(context, body), Ok)


async def _get(world: World, context: Context, module: Module) -> Module | None:
    return await _read(world, context, lambda tx: tx.modules.get(module.id))


async def _list(world: World, context: Context, query: ListModules) -> Listed[ModuleSummary]:
    return await _read(world, context, lambda tx: tx.views.modules(query))


async def _read(world: World, context: Context, query: Callable[[Transaction], Awaitable[V]]) -> V:
    async def body(tx: Transaction) -> Result[V]:
        return Ok(await query(tx))

    found = await world.do(context, body)
    assert isinstance(found, Ok)
    return found.value


def _changed(module: Module, data: Project, by: Doer) -> Version:
    changed = module.change(data, by=by, now=NOW)
    assert isinstance(changed, Ok)
    assert changed.value is not None
    return changed.value


def _started(module: Module, by: Doer) -> Version:
    acted = module.act(START, START.example, by=by, now=NOW)
    assert isinstance(acted, Ok)
    return acted.value
