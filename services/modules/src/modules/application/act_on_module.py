"""Applies an action of its kind to a module."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.core import Clock, Err, Ok, Result
from contracts.permissions import Permission
from modules.application import typed_data
from modules.application.access import doer, refusal
from modules.application.ports import Transaction
from modules.application.views import ModuleView
from modules.domain.errors import ActionNotFound, ModuleNotFound
from modules.domain.kind import Action
from modules.domain.module import Module
from modules.domain.version import Version


@dataclass(frozen=True)
class ActOnModule:
    """`revision`: the one that was read; None: any."""

    module_id: UUID
    action: str
    given: Mapping[str, Any]
    revision: int | None = None


@dataclass(frozen=True)
class ActOnModuleHandler:
    """Refused: ModuleNotFound, ActionNotFound, MayNot, StaleRevision, InvalidData, RuleBroken."""

    clock: Clock

    async def __call__(self, tx: Transaction, command: ActOnModule) -> Result[ModuleView]:
        module = await tx.modules.get(command.module_id)
        if module is None:
            return Err(ModuleNotFound(command.module_id))
        action = module.kind.action(command.action)
        if action is None:
            return Err(ActionNotFound(command.action, module.kind.name, module.kind.action_names))
        refused = refusal(tx.context, module, Permission(action.permission), command.revision)
        if refused is not None:
            return refused
        acted = self._act(tx, module, action, command.given)
        if isinstance(acted, Err):
            return acted
        await tx.modules.save(module, acted.value)
        return Ok(ModuleView.of(module))

    def _act(
        self, tx: Transaction, module: Module, action: Action[Any, Any], given: Mapping[str, Any]
    ) -> Result[Version]:
        read = typed_data.read(action.input, given, at="input")
        if isinstance(read, Err):
            return read
        acted = module.act(action, read.value, by=doer(tx.context), now=self.clock.now())
        if isinstance(acted, Err):
            return acted
        # An action makes its data from parts that are right each by itself; the whole must be as well.
        whole = typed_data.read(module.kind.data, typed_data.to_json(module.data), at="data")
        return whole if isinstance(whole, Err) else acted
