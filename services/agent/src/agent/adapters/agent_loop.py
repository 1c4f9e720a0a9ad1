"""The agent loop on pydantic-ai."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog
from pydantic_ai import Agent
from pydantic_ai import Tool as OfferedTool
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelRequestTimeout,
    ModelTimeoutError,
    ModelUnavailableError,
    UsageLimitExceeded,
)
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.toolsets import FunctionToolset
from pydantic_ai.usage import UsageLimits

from agent.adapters.durability import AGENT_NAME, JournalDurability, StepsBackend
from agent.adapters.providers import Providers
from agent.application.loop import ModelFailed, Steps, Task, Tools
from agent.application.ports import Turn
from agent.domain.journal import JsonValue
from agent.domain.tools import Tool

TOOLSET_ID = "tools"

_SAID: tuple[tuple[tuple[type[AgentRunError], ...], str], ...] = (
    ((ModelRequestTimeout, ModelTimeoutError), "The model did not answer in time."),
    ((ModelRateLimitError, ModelUnavailableError), "The model has too much to do at the moment."),
    ((ModelQuotaExceededError, ModelRequestRejectedError), "The model's provider refused the request."),
    ((ModelAPIError,), "The model could not be reached, or its answer could not be read."),
    ((AgentRunError,), "The model gave no usable answer."),
)
"""What a user is told, the first that fits. What the server itself wrote may hold anything, and stays out of it."""

log = structlog.get_logger()


class PydanticAgentLoop:
    """One agent object per run: it holds the run's tools and steps, and nothing is shared between runs."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers

    async def answer(
        self, run_id: UUID, task: Task, history: Sequence[Turn], offered: Mapping[str, Tool], tools: Tools, steps: Steps
    ) -> str:
        """The final text. Raises ModelFailed, and what tools and steps raise."""
        backend = StepsBackend(steps)
        agent = Agent(
            self._providers.model(task.model),
            name=AGENT_NAME,
            instructions=task.instructions,
            toolsets=[_toolset(offered, tools, backend)],
            capabilities=[JournalDurability(backend)],
        )
        try:
            result = await agent.run(
                task.text,
                message_history=_messages(history),
                run_id=str(run_id),
                usage_limits=UsageLimits(request_limit=task.step_limit),
            )
        except UsageLimitExceeded:
            raise ModelFailed(f"The limit of {task.step_limit} steps was reached.") from None
        except AgentRunError as error:
            log.warning("model.failed", run_id=str(run_id), model=task.model, reason=type(error).__name__)
            raise ModelFailed(_said(error)) from error
        return result.output


def _said(error: AgentRunError) -> str:
    return next(text for kinds, text in _SAID if isinstance(error, kinds))


def _toolset(offered: Mapping[str, Tool], tools: Tools, backend: StepsBackend) -> FunctionToolset[None]:
    return FunctionToolset([_offer(tool, tools, backend) for tool in offered.values()], id=TOOLSET_ID)


def _offer(tool: Tool, tools: Tools, backend: StepsBackend) -> OfferedTool[None]:
    async def call(**arguments: JsonValue) -> str:
        return await tools.call(tool, arguments, backend.current)

    return OfferedTool.from_schema(call, tool.name, tool.description, tool.input_schema)


def _messages(history: Sequence[Turn]) -> list[ModelMessage]:
    return [
        ModelRequest(parts=[UserPromptPart(turn.text)])
        if turn.author == "user"
        else ModelResponse(parts=[TextPart(turn.text)])
        for turn in history
    ]
