"""A worker with everything in memory but the agent loop, which is the real one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, FunctionModel

from agent.adapters.agent_loop import PydanticAgentLoop
from agent.adapters.providers import Provider, Providers, offline
from agent.application.drive_run import DriveRun
from agent.application.ports import Journals
from agent.application.send_command import SendCommand
from agent.application.signals import Signals
from agent.domain.commands import Refused
from agent.domain.journal import Lease

from .builders import DOCUMENT, PROJECT, a_lease
from .fakes import FixedConversations, FixedKinds, InMemoryCommandLog, InMemoryJournals, InMemoryModules


class ScriptedModel:
    """A provider whose model answers from a script and counts how often it was asked."""

    def __init__(self, script: Sequence[ModelResponse]) -> None:
        self.asked = 0
        self._script = script

    def __call__(self, _name: str) -> Model[Any]:
        return FunctionModel(self._answer)

    async def _answer(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        self.asked += 1
        return self._script[sum(isinstance(message, ModelResponse) for message in messages)]


class World:
    """`provider` is known as `test`; without one there is `offline` alone."""

    def __init__(
        self, *, provider: Provider | None = None, refuse: Refused | None = None, answering: bool = True
    ) -> None:
        self.journals = InMemoryJournals()
        self.modules = InMemoryModules(refuse=refuse)
        self.kinds = FixedKinds(PROJECT, DOCUMENT)
        self.conversations = FixedConversations()
        self.signals = Signals()
        self.log = InMemoryCommandLog(self.modules, self.signals, answering=answering)
        self._providers = {"offline": offline} if provider is None else {"test": provider}

    def lease(self) -> Lease:
        """The present lease of a new run, which somebody held before: its journal is read."""
        lease = replace(a_lease(), epoch=2)
        self.journals.claim(lease)
        return lease

    def worker(self, *, journals: Journals | None = None, patience: float = 0.05) -> DriveRun:
        """A new worker process, so to speak: nothing in memory is shared but what stands for databases."""
        return DriveRun(
            journals or self.journals,
            PydanticAgentLoop(Providers(self._providers)),
            self.kinds,
            self.conversations,
            self.modules,
            SendCommand(self.log, self.signals, patience=patience),
        )
