"""Drives a claimed run to its answer, or as far as it gets."""

from agent.application.loop import AgentLoop, Task
from agent.application.pinned import PINNED, pin, unpin
from agent.application.ports import Conversations, Journals, Kinds, Modules
from agent.application.replay import Replay
from agent.application.toolbox import Commands, Toolbox
from agent.domain.journal import JsonValue, Lease
from agent.domain.tools import tools_of


class DriveRun:
    """Asks model and tools through the journal: after a crash, what was finished is not done again."""

    def __init__(
        self,
        journals: Journals,
        loop: AgentLoop,
        kinds: Kinds,
        conversations: Conversations,
        modules: Modules,
        commands: Commands,
    ) -> None:
        self._journals = journals
        self._loop = loop
        self._kinds = kinds
        self._conversations = conversations
        self._modules = modules
        self._commands = commands

    async def __call__(self, lease: Lease, task: Task) -> str:
        """The agent's answer. Raises Suspend (release the run), LeaseLost, ModelFailed and JournalDiffers."""
        steps = Replay(self._journals, lease, () if lease.is_first else await self._journals.read(lease))

        async def pinned(_number: int) -> JsonValue:
            return pin(await self._kinds.all(), await self._conversations.before(lease))

        kinds, history = unpin(await steps.step(PINNED, pinned))
        tools = Toolbox(lease, self._modules, self._commands)
        return await self._loop.answer(lease.run_id, task, history, tools_of(kinds), tools, steps)
