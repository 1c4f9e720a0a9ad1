"""What the use cases need from outside."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from agent.domain.commands import ModuleCommand, Reply
from agent.domain.journal import JsonValue, Lease, Step
from agent.domain.tools import Kind, Tool


class Journals(Protocol):
    """Where finished steps are kept."""

    async def read(self, lease: Lease) -> Sequence[Step]:
        """The run's finished steps in order, from number 1 without a gap."""
        ...

    async def append(self, lease: Lease, step: Step) -> None:
        """Commits one step. Raises LeaseLost, with nothing written, unless `lease` is the run's present one."""
        ...


class CommandLog(Protocol):
    """Commands of runs, and the replies to them, as rows."""

    async def send(self, lease: Lease, step: int, command: ModuleCommand) -> None:
        """Writes the command and its message in one transaction; a command that is there already is left alone.

        Raises LeaseLost, with nothing written, unless `lease` is the run's present one.
        """
        ...

    async def reply(self, lease: Lease, command_id: UUID) -> Reply | None:
        """The reply, if it has come."""
        ...


@dataclass(frozen=True, slots=True)
class ModuleSummary:
    """One line of a search."""

    module_id: UUID
    kind: str
    name: str
    status: str


class Modules(Protocol):
    """The agent's own projection of modules, within one organisation."""

    async def find(self, org_id: UUID, *, text: str | None, kind: str | None, limit: int) -> Sequence[ModuleSummary]:
        """Modules that exist, whose name contains `text` in any case, best match first."""
        ...

    async def read(self, org_id: UUID, module_id: UUID) -> dict[str, JsonValue] | None:
        """The module's public state, or None when it is unknown here or deleted."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of the chat."""

    author: Literal["user", "agent"]
    text: str


class Kinds(Protocol):
    """The module kinds as last published."""

    async def all(self) -> Sequence[Kind]: ...


class Conversations(Protocol):
    """The agent's own projection of chats."""

    async def before(self, run_id: UUID) -> Sequence[Turn]:
        """The latest messages of the run's chat that stood there when the run was asked for, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """What a run was asked to do, and with which version of which agent."""

    text: str
    agent_name: str
    instructions: str
    model: str
    step_limit: int


class Steps(Protocol):
    """Runs a step, or gives back what it gave when it was finished before."""

    async def step(self, name: str, body: Callable[[int], Awaitable[JsonValue]]) -> JsonValue:
        """`body` receives the number of its step. Raises LeaseLost, JournalDiffers and what `body` raises."""
        ...


class Tools(Protocol):
    """Carries out calls of tools."""

    async def call(self, tool: Tool, arguments: dict[str, JsonValue], step: int) -> str:
        """The result as JSON text. Raises Suspend and LeaseLost."""
        ...


class ModelFailed(Exception):
    """The model gave no usable answer. `reason` is a sentence that may be shown to a user."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AgentLoop(Protocol):
    """Asks the model, calls the tools it names, tells it the results, until it answers with text."""

    async def answer(
        self, run_id: UUID, task: Task, history: Sequence[Turn], offered: Mapping[str, Tool], tools: Tools, steps: Steps
    ) -> str:
        """The final text. Every model answer and tool result is one step. Raises ModelFailed, Suspend, LeaseLost."""
        ...
