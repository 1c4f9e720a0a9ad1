"""What the use cases of modules need from outside."""

from typing import Protocol
from uuid import UUID

from chassis.core import Failure
from chassis.paging import Listed, Page
from chassis.use_case import Context
from contracts.permissions import Role
from modules.application.views import KindView, ListModules, ModuleSummary, ModuleView, VersionView
from modules.domain.module import Module
from modules.domain.version import Version


class Modules(Protocol):
    """Modules as they are changed: those of the caller's organisation, without the deleted ones."""

    async def get(self, module_id: UUID) -> Module | None:
        """The module, locked until the transaction ends."""
        ...

    async def add(self, module: Module, version: Version) -> None: ...

    async def save(self, module: Module, version: Version) -> None:
        """Stores the module and the version that was just made of it."""
        ...


class ModuleViews(Protocol):
    """Modules of the caller's organisation as they are read."""

    async def module(self, module_id: UUID) -> ModuleView | None: ...

    async def modules(self, query: ListModules) -> Listed[ModuleSummary]:
        """The newest first."""
        ...

    async def versions(self, module_id: UUID, page: Page) -> Listed[VersionView]:
        """The newest first."""
        ...


class Members(Protocol):
    """Who belongs to the caller's organisation, at the moment."""

    async def role(self, user_id: UUID) -> Role | None:
        """None for who was removed. Raises LookupError when nothing is known of the membership here (yet)."""
        ...


class Commands(Protocol):
    """Commands that were settled, each with its one reply. Replies leave with the transaction."""

    async def reply_again(self, command_id: UUID) -> bool:
        """Sends the reply of a settled command once more; False when it is not settled."""
        ...

    async def complete(self, command_id: UUID, run_id: UUID, module: ModuleView) -> None: ...

    async def refuse(self, command_id: UUID, run_id: UUID, failure: Failure) -> None: ...


class PublishedKinds(Protocol):
    """What other services know of kinds."""

    def put(self, kind: KindView) -> None: ...


class Transaction(Protocol):
    """All of the above in one transaction, under the context of one command."""

    @property
    def context(self) -> Context: ...
    @property
    def modules(self) -> Modules: ...
    @property
    def views(self) -> ModuleViews: ...
    @property
    def members(self) -> Members: ...
    @property
    def commands(self) -> Commands: ...
    @property
    def kinds(self) -> PublishedKinds: ...

    def acting(self, role: Role, command_id: UUID) -> "Transaction":
        """The same transaction with its user in this role, doing the command of an agent's tool call."""
        ...
