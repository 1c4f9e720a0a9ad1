"""The agent loop, in a process that is ready before it has loaded what the loop needs."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from agent.application.loop import AgentLoop, Steps, Task, Tools
from agent.application.ports import Turn
from agent.domain.tools import Tool
from chassis.health import Health
from chassis.serve import made_to_stay


class LoadedLater:
    """Component. The libraries behind models and tools take a good second to load: a thread does so while the process
    serves already, and a run that comes meanwhile waits for it. What `load` raises ends the process."""

    name = "agent.loop"

    def __init__(self, load: Callable[[], AgentLoop]) -> None:
        self._load = load
        self._loop: AgentLoop | None = None
        self._loaded = asyncio.Event()

    def health(self) -> Health:
        return Health.healthy("loads its libraries" if self._loop is None else "loaded")

    async def run(self) -> None:
        with made_to_stay():
            self._loop = await asyncio.to_thread(self._load)
        self._loaded.set()
        await asyncio.Event().wait()

    async def answer(
        self, run_id: UUID, task: Task, history: Sequence[Turn], offered: Mapping[str, Tool], tools: Tools, steps: Steps
    ) -> str:
        """The final text. Raises what the loop raises."""
        while self._loop is None:
            await self._loaded.wait()
        return await self._loop.answer(run_id, task, history, offered, tools, steps)
