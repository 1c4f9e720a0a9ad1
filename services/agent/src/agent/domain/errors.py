"""What agent refuses."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from chassis.core import Failure, Kind


@dataclass(frozen=True)
class RunNotFound(Failure):
    run_id: UUID
    slug: ClassVar[str] = "run-not-found"
    kind: ClassVar[Kind] = Kind.NOT_FOUND
    title: ClassVar[str] = "There is no such run"

    @property
    def detail(self) -> str:
        return f"There is no run {self.run_id} in this organisation."


@dataclass(frozen=True)
class NotYourRun(Failure):
    slug: ClassVar[str] = "not-your-run"
    kind: ClassVar[Kind] = Kind.FORBIDDEN
    title: ClassVar[str] = "Only who asked for a run, or an admin of the organisation, may see or cancel it"


@dataclass(frozen=True)
class RunHasEnded(Failure):
    status: str
    slug: ClassVar[str] = "run-has-ended"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The run has ended already"

    @property
    def detail(self) -> str:
        return f"The run has ended already: it is {self.status}."


@dataclass(frozen=True)
class AgentNotFound(Failure):
    agent_id: UUID
    slug: ClassVar[str] = "agent-not-found"
    kind: ClassVar[Kind] = Kind.NOT_FOUND
    title: ClassVar[str] = "There is no such agent"

    @property
    def detail(self) -> str:
        return f"There is no agent {self.agent_id} in this organisation."


@dataclass(frozen=True)
class AgentUnknown(Failure):
    agent_id: UUID
    slug: ClassVar[str] = "agent-unknown"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "There is no such agent, or it is retired"
    field: ClassVar[str] = "/agent_id"

    @property
    def detail(self) -> str:
        return f"There is no active agent {self.agent_id} in this organisation."


@dataclass(frozen=True)
class NoAgentYet(Failure):
    slug: ClassVar[str] = "no-agent-yet"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    title: ClassVar[str] = "The organisation is new and its assistant is being made; try again in a moment"


@dataclass(frozen=True)
class MayNotAct(Failure):
    slug: ClassVar[str] = "may-not-act"
    kind: ClassVar[Kind] = Kind.FORBIDDEN
    title: ClassVar[str] = "Your role may read what agents do but not ask them to act"


@dataclass(frozen=True)
class ChatNotFound(Failure):
    chat_id: UUID
    slug: ClassVar[str] = "chat-not-found"
    kind: ClassVar[Kind] = Kind.NOT_FOUND
    title: ClassVar[str] = "There is no such chat"

    @property
    def detail(self) -> str:
        return f"There is no chat {self.chat_id} in this organisation."


@dataclass(frozen=True)
class NotAParticipant(Failure):
    slug: ClassVar[str] = "not-a-participant"
    kind: ClassVar[Kind] = Kind.FORBIDDEN
    title: ClassVar[str] = "Only participants of a chat may read it or write in it"


@dataclass(frozen=True)
class ChatIsBusy(Failure):
    chat_id: UUID
    slug: ClassVar[str] = "chat-is-busy"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "Another run of this chat has not ended yet"

    @property
    def detail(self) -> str:
        return f"Another run of chat {self.chat_id} has not ended yet, and the request said on_busy: reject."
