"""Commands of agents, on the ports in memory."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.core import Actor, Err, NotYet, Ok, Outcome, new_id
from chassis.use_case import Context
from contracts.permissions import Permission, Role
from modules.application.obey_command import ObeyCommand
from modules.application.refuse_command import RefuseCommand
from modules.application.use_cases import UseCases
from modules.domain.errors import NotAMember
from modules.domain.module import Module
from modules.kinds import all_kinds
from modules.kinds.project import KIND, START

from ..builders import NOW, a_command, a_context, a_new_module
from ..fakes import FixedClock, InMemoryWorld

USE_CASES = UseCases(FixedClock(NOW), all_kinds())


@pytest.fixture
def context() -> Context:
    return a_context(role=None, agent=True)


@pytest.fixture
def world(context: Context) -> InMemoryWorld:
    """The user of `context` is an editor."""
    return InMemoryWorld(roles={(context.organisation, context.user_id): Role.EDITOR})


async def test_a_command_creates_a_module_of_its_user_and_notes_the_agent(
    world: InMemoryWorld, context: Context
) -> None:
    command = a_command()
    assert isinstance(await _obey(world, context, command), Ok)
    [module], [version] = world.modules.values(), world.versions
    assert (module.name, module.owner_id) == ("Summer Tour", context.user_id)
    assert (version.by.actor, version.by.tool_call) == (context.actor, command.id)
    assert world.replies == [(command.id, None)]


async def test_a_repeated_command_gets_its_reply_again_and_has_no_second_effect(
    world: InMemoryWorld, context: Context
) -> None:
    command = a_command()
    for _ in range(3):
        await _obey(world, context, command)
    assert len(world.modules) == 1
    assert world.replies == [(command.id, None)] * 3


async def test_a_repeat_after_the_deadline_still_gets_the_first_reply(world: InMemoryWorld, context: Context) -> None:
    command = a_command()
    await _obey(world, context, command)
    await _obey(world, context, replace(command, deadline=NOW - timedelta(seconds=5)))
    assert world.replies == [(command.id, None)] * 2


async def test_a_refused_command_stays_refused_even_if_it_could_be_done_now(
    world: InMemoryWorld, context: Context
) -> None:
    command = a_command()
    member = (context.organisation, context.user_id)
    world.roles[member] = Role.VIEWER
    assert await _slug(world, context, command) == "may-not-write-modules"
    world.roles[member] = Role.EDITOR
    assert isinstance(await _obey(world, context, command), Ok)
    assert world.replies == [(command.id, "may-not-write-modules")] * 2
    assert not world.modules


async def test_a_command_waits_for_a_membership_that_is_not_known_yet(context: Context) -> None:
    world = InMemoryWorld()
    assert isinstance(await _obey(world, context, a_command()), NotYet)
    assert (world.replies, world.settled) == ([], {})


async def test_a_removed_member_is_refused(world: InMemoryWorld, context: Context) -> None:
    world.roles[context.organisation, context.user_id] = None
    assert await _slug(world, context, a_command()) == "not-a-member"


async def test_a_service_is_no_member(world: InMemoryWorld, context: Context) -> None:
    assert await _slug(world, replace(context, actor=Actor.system("agent")), a_command()) == "not-a-member"


async def test_a_command_past_its_deadline_is_refused(world: InMemoryWorld, context: Context) -> None:
    assert await _slug(world, context, a_command(deadline=NOW)) == "too-late"


async def test_the_role_of_the_moment_counts_and_not_one_that_came_along(
    world: InMemoryWorld, context: Context
) -> None:
    world.roles[context.organisation, context.user_id] = Role.VIEWER
    claimed = replace(context, role=Role.ADMIN)
    assert await _slug(world, claimed, a_command()) == "may-not-write-modules"


async def test_change_act_and_delete_are_carried_out(world: InMemoryWorld, context: Context) -> None:
    module_id = _store(world, context.organisation).id
    on_it: dict[str, Any] = {"module_id": module_id}
    for command in (
        a_command("change", **on_it, given={"name": "Winter Tour"}),
        a_command("act", **on_it, action="start"),
        a_command("delete", **on_it),
    ):
        assert isinstance(await _obey(world, context, command), Ok)
    module = world.modules[module_id]
    assert (module.name, module.status, module.deleted) == ("Winter Tour", "active", True)


async def test_a_module_of_another_organisation_is_not_found(world: InMemoryWorld, context: Context) -> None:
    module = _store(world, new_id())
    for verb in ("change", "act", "delete"):
        command = a_command(verb, module_id=module.id, action="start")
        assert await _slug(world, context, command) == "module-not-found"


@pytest.mark.parametrize(
    ("verb", "given", "slug"),
    [
        ("create", {"kind": None}, "command-incomplete"),
        ("create", {"kind": "poster"}, "module-kind-unknown"),
        ("create", {"given": {}}, "invalid-data"),
        ("change", {}, "command-incomplete"),
        ("change", {"module_id": new_id()}, "module-not-found"),
        ("act", {"module_id": new_id()}, "command-incomplete"),
        ("delete", {}, "command-incomplete"),
    ],
)
async def test_a_command_that_cannot_be_meant_is_refused(
    world: InMemoryWorld, context: Context, verb: str, given: dict[str, Any], slug: str
) -> None:
    assert await _slug(world, context, a_command(verb, **given)) == slug
    assert not world.modules


@pytest.mark.parametrize(
    ("verb", "given", "slug"),
    [
        ("change", {"kind": "document"}, "wrong-module-kind"),
        ("change", {"given": {"name": None}}, "invalid-data"),
        ("act", {"action": "finish"}, "rule-broken"),
        ("act", {"action": "publish"}, "module-action-not-found"),
        ("act", {"action": "start", "given": {"fast": True}}, "invalid-data"),
    ],
)
async def test_a_command_against_the_rules_is_refused(
    world: InMemoryWorld, context: Context, verb: str, given: dict[str, Any], slug: str
) -> None:
    module = _store(world, context.organisation)
    assert await _slug(world, context, a_command(verb, module_id=module.id, **given)) == slug
    assert world.modules[module.id].revision == 1


async def test_an_action_asks_for_the_permission_that_its_kind_names(world: InMemoryWorld, context: Context) -> None:
    guarded = replace(START, permission=Permission.MODULES_ADMIN)
    module = _store(world, context.organisation)
    world.modules[module.id].kind = replace(KIND, actions=(guarded,))
    assert await _slug(world, context, a_command("act", module_id=module.id, action="start")) == "may-not-write-modules"
    world.roles[context.organisation, context.user_id] = Role.ADMIN
    assert isinstance(await _obey(world, context, a_command("act", module_id=module.id, action="start")), Ok)


async def test_a_late_refusal_does_not_replace_the_first_reply(world: InMemoryWorld, context: Context) -> None:
    command = a_command()
    await _obey(world, context, command)
    await _refuse(world, context, command, Err(NotAMember()))
    assert world.replies == [(command.id, None)] * 2


def _store(world: InMemoryWorld, org_id: UUID) -> Module:
    module, _ = a_new_module(KIND, org_id=org_id)
    module.take_recorded()
    world.modules[module.id] = module
    return module


async def _obey(world: InMemoryWorld, context: Context, command: ObeyCommand) -> Outcome:
    return await world.do(context, lambda tx: USE_CASES.obey_command(tx, command))


async def _slug(world: InMemoryWorld, context: Context, command: ObeyCommand) -> str:
    """What a refused command was refused with, after the refusal was noted as the consumer notes it."""
    refused = await _obey(world, context, command)
    assert isinstance(refused, Err), refused
    await _refuse(world, context, command, refused)
    assert world.replies[-1] == (command.id, refused.failure.slug)
    return refused.failure.slug


async def _refuse(world: InMemoryWorld, context: Context, command: ObeyCommand, refused: Err) -> None:
    refusal = RefuseCommand(command.id, command.run_id, refused.failure)
    await world.do(context, lambda tx: USE_CASES.refuse_command(tx, refusal))
