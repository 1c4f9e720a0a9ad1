"""Tells the other services which kinds of modules there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chassis.core import Ok, Result
from modules.application.ports import Transaction
from modules.application.views import KindView
from modules.domain.kind import Kind


@dataclass(frozen=True)
class PublishKinds:
    """All of them."""


@dataclass(frozen=True)
class PublishKindsHandler:
    kinds: Mapping[str, Kind[Any]]

    async def __call__(self, tx: Transaction, _: PublishKinds) -> Result[int]:
        """How many there are."""
        for kind in self.kinds.values():
            tx.kinds.put(KindView.of(kind))
        return Ok(len(self.kinds))
