"""The ports of this service, in memory."""

from collections.abc import Sequence
from uuid import UUID

from agent.application.ports import ModuleSummary, Turn
from agent.application.signals import Signals
from agent.domain.commands import Change, Completed, ModuleCommand, Refused, Reply
from agent.domain.journal import JsonValue, Lease, LeaseLost, Step
from agent.domain.tools import Kind
from chassis.core import new_id


class InMemoryJournals:
    """Steps by run; the highest epoch seen in `claim` is the one that may write."""

    def __init__(self) -> None:
        self.epochs: dict[UUID, int] = {}
        self.steps: dict[UUID, list[Step]] = {}

    def claim(self, lease: Lease) -> None:
        self.epochs[lease.run_id] = lease.epoch

    async def read(self, lease: Lease) -> Sequence[Step]:
        return tuple(self.steps.get(lease.run_id, ()))

    async def append(self, lease: Lease, step: Step) -> None:
        if self.epochs.get(lease.run_id) != lease.epoch:
            raise LeaseLost(lease)
        steps = self.steps.setdefault(lease.run_id, [])
        assert step.number == len(steps) + 1
        steps.append(step)


class InMemoryModules:
    """A projection of modules, and the owner of modules itself: what it does once per command id."""

    def __init__(self, *, refuse: Refused | None = None) -> None:
        self.modules: dict[UUID, dict[str, JsonValue]] = {}
        self.effects: list[ModuleCommand] = []
        self.refuse = refuse
        self._replies: dict[UUID, Reply] = {}

    async def find(self, org_id: UUID, *, text: str | None, kind: str | None, limit: int) -> Sequence[ModuleSummary]:
        return [
            ModuleSummary(id_, str(one["kind"]), str(one["name"]), str(one["status"]))
            for id_, one in self.modules.items()
            if (text or "").lower() in str(one["name"]).lower() and kind in (None, one["kind"])
        ][:limit]

    async def read(self, org_id: UUID, module_id: UUID) -> dict[str, JsonValue] | None:
        return self.modules.get(module_id)

    def add(self, kind: str, name: str) -> UUID:
        module_id = new_id()
        self.modules[module_id] = {"module_id": str(module_id), "kind": kind, "name": name, "status": "planned"}
        return module_id

    def receive(self, command: ModuleCommand) -> Reply:
        if command.id not in self._replies:
            self._replies[command.id] = self.refuse or self._apply(command)
        return self._replies[command.id]

    def _apply(self, command: ModuleCommand) -> Reply:
        self.effects.append(command)
        name = command.input.get("name", command.input.get("title"))
        if command.change is Change.CREATE:
            return Completed(self.modules[self.add(command.kind, str(name))])
        assert command.module_id is not None
        self.modules[command.module_id] |= {"name": name}
        return Completed(self.modules[command.module_id])


class InMemoryCommandLog:
    """Commands as rows. With `answering=False` a command waits until `deliver` is called."""

    def __init__(self, modules: InMemoryModules, signals: Signals, *, answering: bool = True) -> None:
        self.sent: dict[UUID, ModuleCommand] = {}
        self.answering = answering
        self._modules = modules
        self._signals = signals
        self._replies: dict[UUID, Reply] = {}

    async def send(self, lease: Lease, step: int, command: ModuleCommand) -> None:
        self.sent.setdefault(command.id, command)
        if self.answering:
            self.deliver()

    async def reply(self, lease: Lease, command_id: UUID) -> Reply | None:
        return self._replies.get(command_id)

    def deliver(self) -> None:
        for command in self.sent.values():
            self._replies[command.id] = self._modules.receive(command)
            self._signals.came(command.id)


class FixedKinds:
    """Kinds as published; a test may publish others between two drives of a run."""

    def __init__(self, *kinds: Kind) -> None:
        self.kinds = kinds

    async def all(self) -> Sequence[Kind]:
        return self.kinds


class FixedConversations:
    """The same earlier turns for every run."""

    def __init__(self, *turns: Turn) -> None:
        self.turns = turns

    async def before(self, lease: Lease) -> Sequence[Turn]:
        return self.turns
