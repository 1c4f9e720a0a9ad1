"""Consumers of modules: contract event to command."""

from collections.abc import Sequence
from datetime import datetime

from chassis.core import Failure, Outcome
from chassis.kafka.consumer import Consumer, on
from contracts.agent.v1 import ModuleCommandRequested
from modules.application.obey_command import ObeyCommand
from modules.application.ports import Transaction
from modules.application.refuse_command import RefuseCommand
from modules.application.use_cases import UseCases


def consumers(use_cases: UseCases) -> Sequence[Consumer[Transaction]]:
    return [Commands(use_cases).consumer()]


class Commands:
    """`modules.commands`: what agents do, by their users' rights. Each command is answered, also when refused."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases

    def consumer(self) -> Consumer[Transaction]:
        requested = on(ModuleCommandRequested, self.on_requested, refuse=self.on_refused, deadline=_deadline)
        return Consumer("modules.commands", [requested])

    async def on_requested(self, tx: Transaction, event: ModuleCommandRequested) -> Outcome:
        command = ObeyCommand(
            id=event.command_id,
            run_id=event.run_id,
            verb=event.action,
            kind=event.kind,
            module_id=event.module_id,
            action=event.action_name,
            given=event.input,
            deadline=event.deadline,
        )
        return await self._use_cases.obey_command(tx, command)

    async def on_refused(self, tx: Transaction, event: ModuleCommandRequested, failure: Failure) -> None:
        await self._use_cases.refuse_command(tx, RefuseCommand(event.command_id, event.run_id, failure))


def _deadline(event: ModuleCommandRequested) -> datetime:
    return event.deadline
