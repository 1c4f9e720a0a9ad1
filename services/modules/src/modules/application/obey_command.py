"""Carries out the command of an agent's tool call: the same use cases as over HTTP, under its user's present rights."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from chassis.core import Clock, Err, NotYet, Ok, Outcome, Result
from chassis.kafka.retrier import TooLate
from contracts.permissions import Role
from modules.application.act_on_module import ActOnModule, ActOnModuleHandler
from modules.application.change_module import ChangeModule, ChangeModuleHandler
from modules.application.create_module import CreateModule, CreateModuleHandler
from modules.application.delete_module import DeleteModule, DeleteModuleHandler
from modules.application.ports import Transaction
from modules.application.views import GetModule, ModuleView, get_module
from modules.domain.errors import CommandIncomplete, NotAMember, WrongKind

Wish: TypeAlias = CreateModule | ChangeModule | ActOnModule | DeleteModule


@dataclass(frozen=True)
class ObeyCommand:
    """`id` is the tool call's: one effect and one reply for each, however often it comes. `kind` names the kind of a
    new module; beside a `module_id`, it must be that module's."""

    id: UUID
    run_id: UUID
    verb: Literal["create", "change", "act", "delete"]
    kind: str | None
    module_id: UUID | None
    action: str | None
    given: Mapping[str, Any]
    deadline: datetime


@dataclass(frozen=True)
class ObeyCommandHandler:
    """Waits for a membership that is not known here yet.

    Refused: TooLate, NotAMember, CommandIncomplete, WrongKind, and what the use case that it names refuses.
    """

    clock: Clock
    create: CreateModuleHandler
    change: ChangeModuleHandler
    act: ActOnModuleHandler
    delete: DeleteModuleHandler

    async def __call__(self, tx: Transaction, command: ObeyCommand) -> Outcome:
        if await tx.commands.reply_again(command.id):
            return Ok(None)
        if self.clock.now() >= command.deadline:
            return Err(TooLate("it arrived after its deadline"))
        try:
            role = await _present_role(tx)
        except LookupError as unknown:
            return NotYet(f"the {unknown}")
        if role is None:
            return Err(NotAMember())
        done = await self._obey(tx.acting(role, command.id), command)
        if isinstance(done, Ok):
            await tx.commands.complete(command.id, command.run_id, done.value)
        return done

    async def _obey(self, tx: Transaction, command: ObeyCommand) -> Result[ModuleView]:
        wish = _wish(command)
        if isinstance(wish, Err):
            return wish
        refused = await _other_kind(tx, command)
        if refused is not None:
            return refused
        match wish.value:
            case CreateModule() as create:
                return await self.create(tx, create)
            case ChangeModule() as change:
                return await self.change(tx, change)
            case ActOnModule() as act:
                return await self.act(tx, act)
            case DeleteModule() as delete:
                return await self.delete(tx, delete)


async def _present_role(tx: Transaction) -> Role | None:
    """Not that of the moment when the run began. Raises LookupError when it is not known here yet."""
    user_id = tx.context.actor.user_id
    return await tx.members.role(user_id) if user_id is not None and tx.context.org_id is not None else None


def _wish(command: ObeyCommand) -> Result[Wish]:
    if command.verb == "create":
        return Ok(CreateModule(command.kind, command.given)) if command.kind else Err(CommandIncomplete("a kind"))
    if command.module_id is None:
        return Err(CommandIncomplete("a module_id"))
    if command.verb == "change":
        return Ok(ChangeModule(command.module_id, command.given))
    if command.verb == "delete":
        return Ok(DeleteModule(command.module_id))
    if command.action is None:
        return Err(CommandIncomplete("an action_name"))
    return Ok(ActOnModule(command.module_id, command.action, command.given))


async def _other_kind(tx: Transaction, command: ObeyCommand) -> Err | None:
    """ModuleNotFound or WrongKind, where one is due."""
    if command.module_id is None or command.kind is None or command.verb == "create":
        return None
    found = await get_module(tx, GetModule(command.module_id))
    if isinstance(found, Err):
        return found
    return Err(WrongKind(command.kind, found.value.kind)) if found.value.kind != command.kind else None
