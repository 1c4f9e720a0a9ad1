"""Creates a module."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chassis.core import Clock, Err, Ok, Result, new_id
from contracts.permissions import Permission
from modules.application import typed_data
from modules.application.access import doer
from modules.application.ports import Transaction
from modules.application.views import ModuleView
from modules.domain.errors import KindUnknown, MayNot
from modules.domain.kind import Kind
from modules.domain.module import Module


@dataclass(frozen=True)
class CreateModule:
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class CreateModuleHandler:
    """Its owner is the user who acts. Refused: MayNot, KindUnknown, InvalidData."""

    clock: Clock
    kinds: Mapping[str, Kind[Any]]

    async def __call__(self, tx: Transaction, command: CreateModule) -> Result[ModuleView]:
        if not tx.context.may(Permission.MODULES_WRITE):
            return Err(MayNot(Permission.MODULES_WRITE))
        kind = self.kinds.get(command.kind)
        if kind is None:
            return Err(KindUnknown(command.kind, tuple(self.kinds)))
        data = typed_data.read(kind.data, command.data, at="data")
        if isinstance(data, Err):
            return data
        module, version = Module.create(
            kind,
            data.value,
            module_id=new_id(),
            org_id=tx.context.organisation,
            owner_id=tx.context.user_id,
            by=doer(tx.context),
            now=self.clock.now(),
        )
        await tx.modules.add(module, version)
        return Ok(ModuleView.of(module))
