"""Changes the data of a module."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.core import Clock, Err, Ok, Result
from contracts.permissions import Permission
from modules.application import typed_data
from modules.application.access import doer, for_change
from modules.application.ports import Transaction
from modules.application.views import ModuleView
from modules.domain.merge_patch import merge_patch


@dataclass(frozen=True)
class ChangeModule:
    """`patch` is a JSON merge patch of the data. `revision`: the one that was read; None: any."""

    module_id: UUID
    patch: Mapping[str, Any]
    revision: int | None = None


@dataclass(frozen=True)
class ChangeModuleHandler:
    """A patch that changes nothing makes no version. Refused: ModuleNotFound, MayNot, StaleRevision, InvalidData,
    RuleBroken."""

    clock: Clock

    async def __call__(self, tx: Transaction, command: ChangeModule) -> Result[ModuleView]:
        found = await for_change(tx, command.module_id, Permission.MODULES_WRITE, command.revision)
        if isinstance(found, Err):
            return found
        module = found.value
        wanted = merge_patch(typed_data.to_json(module.data), command.patch)
        data = typed_data.read(module.kind.data, wanted, at="data")
        if isinstance(data, Err):
            return data
        changed = module.change(data.value, by=doer(tx.context), now=self.clock.now())
        if isinstance(changed, Err):
            return changed
        if changed.value is not None:
            await tx.modules.save(module, changed.value)
        return Ok(ModuleView.of(module))
