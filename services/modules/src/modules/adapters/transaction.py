"""One transaction of modules: its repositories over the connection of one command."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any
from uuid import UUID

from chassis.use_case import Context, Work
from contracts.permissions import Role
from modules.adapters.commands import PostgresCommands
from modules.adapters.members import PostgresMembers
from modules.adapters.module_views import PostgresModuleViews
from modules.adapters.modules import PostgresModules
from modules.adapters.publishing import OutboxKinds
from modules.domain.kind import Kind


class PostgresTransaction:
    def __init__(self, work: Work, known_kinds: Mapping[str, Kind[Any]]) -> None:
        self.work = work
        self._known_kinds = known_kinds

    @property
    def context(self) -> Context:
        return self.work.context

    @cached_property
    def modules(self) -> PostgresModules:
        return PostgresModules(self.work, self._known_kinds)

    @cached_property
    def views(self) -> PostgresModuleViews:
        return PostgresModuleViews(self.work)

    @cached_property
    def members(self) -> PostgresMembers:
        return PostgresMembers(self.work)

    @cached_property
    def commands(self) -> PostgresCommands:
        return PostgresCommands(self.work)

    @cached_property
    def kinds(self) -> OutboxKinds:
        return OutboxKinds(self.work)

    def acting(self, role: Role, command_id: UUID) -> "PostgresTransaction":
        """Shares the connection and what is written in the end; only the context is another."""
        context = replace(self.context, role=role, command_id=command_id)
        return PostgresTransaction(Work(self.work.connection, context, self.work.effects), self._known_kinds)
