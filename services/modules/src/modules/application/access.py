"""What every change of a module asks first, in this order: is it there, may you, have you seen its newest state."""

from uuid import UUID

from chassis.core import Err, Ok, Result, StaleRevision
from chassis.use_case import Context
from contracts.permissions import Permission
from modules.application.ports import Transaction
from modules.domain.errors import MayNot, ModuleNotFound
from modules.domain.module import Module
from modules.domain.version import Doer


async def for_change(tx: Transaction, module_id: UUID, permission: Permission, revision: int | None) -> Result[Module]:
    """The module, locked. Refused: ModuleNotFound, and what `refusal` refuses."""
    module = await tx.modules.get(module_id)
    if module is None:
        return Err(ModuleNotFound(module_id))
    return refusal(tx.context, module, permission, revision) or Ok(module)


def refusal(context: Context, module: Module, permission: Permission, revision: int | None) -> Err | None:
    """MayNot or StaleRevision, where one is due. `revision` None: whatever state the module is in."""
    if not context.may(permission):
        return Err(MayNot(permission))
    if revision is not None and revision != module.revision:
        return Err(StaleRevision(module.revision))
    return None


def doer(context: Context) -> Doer:
    """Who acts, as the history names them."""
    return Doer(context.actor, context.command_id)
