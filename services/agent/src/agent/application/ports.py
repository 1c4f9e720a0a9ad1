"""What the use cases need from outside: while a run goes on, and in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from agent.application.views import AgentView, RunView, StepView
from agent.domain.agent import Agent
from agent.domain.commands import ModuleCommand, Reply
from agent.domain.journal import JsonValue, Lease, Step
from agent.domain.run import Run
from agent.domain.tools import Kind
from chassis.paging import Listed, Page
from chassis.use_case import Context
from contracts.permissions import Role


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

    async def before(self, lease: Lease) -> Sequence[Turn]:
        """What people and agents said in the run's chat before what the run was asked, the latest of it, oldest first.

        Replies to earlier runs belong to it also where they stand behind the message that started this one.
        """
        ...


class Agents(Protocol):
    """Agents as they are changed and asked."""

    async def get(self, agent_id: UUID) -> Agent | None: ...

    async def first(self) -> Agent | None:
        """The organisation's oldest active agent: who answers where none is named."""
        ...

    async def add(self, agent: Agent) -> None: ...


class Runs(Protocol):
    """Runs as they are changed. A run that has not ended has a place in the queue of the workers."""

    async def get(self, run_id: UUID) -> Run | None:
        """The run, locked until the transaction ends."""
        ...

    async def held(self, lease: Lease) -> Run:
        """The same for its worker. Raises LeaseLost unless `lease` is the run's present one."""
        ...

    async def going_on(self, user_id: UUID) -> Sequence[Run]:
        """The runs of a user that have not ended, locked."""
        ...

    async def is_busy(self, chat_id: UUID) -> bool:
        """Whether a run of the chat has not ended; who asks this for one chat, asks one after the other."""
        ...

    async def awaits_reply(self, run_id: UUID) -> bool:
        """Whether a command of the run is under way."""
        ...

    async def add(self, run: Run) -> None: ...

    async def save(self, run: Run) -> None:
        """One that has ended leaves the queue: its worker, if it has one, writes nothing more."""
        ...


@dataclass(frozen=True, slots=True)
class KnownChat:
    """What this service knows of a chat."""

    chat_id: UUID
    org_id: UUID
    participants: tuple[UUID, ...]
    agent_id: UUID | None


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """A message of the transcript. `run_id`: the run that it started or that wrote it."""

    chat_id: UUID
    org_id: UUID
    number: int
    author: Literal["user", "agent", "system"]
    text: str
    run_id: UUID | None


@dataclass(frozen=True, slots=True)
class KnownModule:
    """A module's public state, and what it is found by."""

    module_id: UUID
    org_id: UUID
    kind: str
    name: str
    status: str
    deleted: bool
    state: dict[str, JsonValue]


class Projections(Protocol):
    """What this service keeps of others, by their events."""

    async def find_chat(self, chat_id: UUID) -> KnownChat | None:
        """Also one that a run of the same organisation asked chats to open just now."""
        ...

    def put_chat(self, chat: KnownChat) -> None: ...

    def put_message(self, message: KnownMessage) -> None: ...

    def put_kind(self, kind: Kind) -> None: ...

    def put_module(self, module: KnownModule) -> None: ...

    async def put_reply(self, command_id: UUID, run_id: UUID, reply: Reply) -> None:
        """The first reply to a command stays. One to a command that is not known here is passed over."""
        ...


class Members(Protocol):
    """Who belongs to the organisation."""

    async def role(self, user_id: UUID) -> Role | None:
        """None for one who was removed. Raises LookupError while nothing is known of the user here."""
        ...


class Views(Protocol):
    """Agents, runs and journals as they are read."""

    async def agent(self, agent_id: UUID) -> AgentView | None: ...

    async def agents(self, page: Page) -> Listed[AgentView]:
        """The oldest first."""
        ...

    async def run(self, run_id: UUID) -> RunView | None: ...

    async def runs(self, page: Page, *, user_id: UUID | None) -> Listed[RunView]:
        """The newest first: those of one user, or of all."""
        ...

    async def steps(self, run_id: UUID, page: Page) -> Listed[StepView]:
        """The finished steps in their order."""
        ...


class Transaction(Protocol):
    """What a use case works on in one transaction, under the context of one command."""

    @property
    def context(self) -> Context: ...
    @property
    def agents(self) -> Agents: ...
    @property
    def runs(self) -> Runs: ...
    @property
    def projections(self) -> Projections: ...
    @property
    def members(self) -> Members: ...
    @property
    def views(self) -> Views: ...
