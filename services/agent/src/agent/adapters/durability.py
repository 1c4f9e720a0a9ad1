"""Makes a pydantic-ai run durable: each request to the model and each call of a tool is one step of the run's journal.

Built on the library's public `pydantic_ai.durable_exec` surface; the library is pinned exactly, and its messages as
stored are read by later releases of this service.
"""

from collections.abc import Awaitable, Callable
from typing import cast

from pydantic_ai.durable_exec import (
    JSON_CODEC,
    BaseDurabilityCapability,
    CallableOperationBackend,
    DurabilityEngineSpec,
    DurableOperationId,
    JournalOperationNamer,
    ModelRequestId,
    RoleBasedOperationConfig,
    ToolsetCallToolId,
)

from agent.application.loop import Steps
from agent.domain.journal import JsonValue

AGENT_NAME = "run"
"""Not the agent's own name: names of steps must outlive a renaming."""


class StepNames(JournalOperationNamer):
    """`model.request` and `tool:<name of the tool>`. Persisted: never to be changed."""

    def operation_name(self, operation_id: DurableOperationId) -> str:
        match operation_id:
            case ModelRequestId(streaming=False):
                return "model.request"
            case ToolsetCallToolId():
                return "tool"
        return super().operation_name(operation_id)


class StepsBackend(CallableOperationBackend[None]):
    """Hands each durable operation of the library to the run's steps."""

    def __init__(self, steps: Steps) -> None:
        config = RoleBasedOperationConfig[None](model=None, event=None, capability=None, tool=None)
        super().__init__(namer=StepNames(AGENT_NAME), config=config)
        self._steps = steps
        self.current = 0
        """Number of the step that is being carried out; there is one at a time."""

    async def execute(
        self,
        *,
        operation_id: DurableOperationId,
        name: str,
        body: Callable[[], Awaitable[object]],
        cache_key: tuple[object, ...],
        config: None,
    ) -> object:
        async def carry_out(number: int) -> JsonValue:
            self.current = number
            return cast(JsonValue, await body())  # the codec has made it plain JSON

        return await self._steps.step(name, carry_out)


class JournalDurability(BaseDurabilityCapability[None]):
    """Durability of one run; the agent that it is given to is made for that run."""

    engine_spec = DurabilityEngineSpec(
        engine_name="Stoa",
        durable_unit_noun="step",
        durable_container_noun="run",
        codec=JSON_CODEC,
        sequential_tools_in_durable_context=True,  # a step is known by its place in the order
    )

    def __init__(self, backend: StepsBackend) -> None:
        super().__init__(name=AGENT_NAME)
        self._backend = backend

    @property
    def in_durable_context(self) -> bool:
        return True

    def get_durable_operation_backend(self) -> StepsBackend:
        return self._backend
