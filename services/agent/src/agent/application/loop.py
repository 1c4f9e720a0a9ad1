"""The agent loop, as the use cases see it: what it is given and what it answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from agent.application.ports import Turn
from agent.domain.journal import JsonValue
from agent.domain.tools import Tool


@dataclass(frozen=True, slots=True)
class Task:
    """What a run was asked to do, and with which version of which agent."""

    text: str
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
