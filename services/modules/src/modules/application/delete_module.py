"""Deletes a module."""

from dataclasses import dataclass
from uuid import UUID

from chassis.core import Clock, Err, Ok, Result
from contracts.permissions import Permission
from modules.application.access import doer, for_change
from modules.application.ports import Transaction
from modules.application.views import ModuleView


@dataclass(frozen=True)
class DeleteModule:
    """`revision`: the one that was read; None: any."""

    module_id: UUID
    revision: int | None = None


@dataclass(frozen=True)
class DeleteModuleHandler:
    """A tombstone stays, with the history. Refused: ModuleNotFound, MayNot, StaleRevision."""

    clock: Clock

    async def __call__(self, tx: Transaction, command: DeleteModule) -> Result[ModuleView]:
        found = await for_change(tx, command.module_id, Permission.MODULES_DELETE, command.revision)
        if isinstance(found, Err):
            return found
        module = found.value
        version = module.delete(by=doer(tx.context), now=self.clock.now())
        await tx.modules.save(module, version)
        return Ok(ModuleView.of(module))
