"""Reads: past the domain, straight to what clients are shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from agent.domain.errors import AgentNotFound, NotYourRun, RunNotFound
from agent.domain.journal import JsonValue
from agent.domain.run import Origin, Run, RunStatus
from chassis.core import Err, Ok, Result
from chassis.paging import Listed, Page
from chassis.use_case import Context
from contracts.permissions import Permission

if TYPE_CHECKING:
    from agent.application.ports import Transaction


@dataclass(frozen=True)
class AgentView:
    id: UUID
    name: str
    version: int
    status: str
    instructions: str
    model: str
    step_limit: int
    revision: int


@dataclass(frozen=True)
class RunView:
    id: UUID
    chat_id: UUID
    agent_id: UUID
    agent_version: int
    user_id: UUID
    origin: Origin
    status: RunStatus
    text: str
    reply: str | None
    reason: str | None
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    revision: int

    @classmethod
    def of(cls, run: Run) -> "RunView":
        return cls(**{name: getattr(run, name) for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class StepView:
    """One finished step. `kind`: begun, model or tool; `tool` is the tool's name; `content` what it gave."""

    number: int
    kind: str
    tool: str | None
    content: JsonValue
    finished_at: datetime


@dataclass(frozen=True)
class Progress:
    """A run and the steps that came since."""

    run: RunView
    steps: Sequence[StepView]


@dataclass(frozen=True)
class GetAgent:
    agent_id: UUID


@dataclass(frozen=True)
class ListAgents:
    page: Page


@dataclass(frozen=True)
class GetRun:
    run_id: UUID


@dataclass(frozen=True)
class ListRuns:
    page: Page


@dataclass(frozen=True)
class ListSteps:
    run_id: UUID
    page: Page


def may_see(context: Context, asker: UUID) -> bool:
    """Whether somebody may see, and cancel, a run that `asker` asked for."""
    return context.user_id == asker or context.may(Permission.RUNS_ADMIN)


async def get_agent(tx: "Transaction", query: GetAgent) -> Result[AgentView]:
    """Refused: AgentNotFound."""
    agent = await tx.views.agent(query.agent_id)
    return Ok(agent) if agent is not None else Err(AgentNotFound(query.agent_id))


async def list_agents(tx: "Transaction", query: ListAgents) -> Result[Listed[AgentView]]:
    """All agents of the organisation."""
    return Ok(await tx.views.agents(query.page))


async def get_run(tx: "Transaction", query: GetRun) -> Result[RunView]:
    """Refused: RunNotFound, NotYourRun."""
    run = await tx.views.run(query.run_id)
    if run is None:
        return Err(RunNotFound(query.run_id))
    return Ok(run) if may_see(tx.context, run.user_id) else Err(NotYourRun())


async def list_runs(tx: "Transaction", query: ListRuns) -> Result[Listed[RunView]]:
    """The caller's own; for an admin those of all."""
    everyone = tx.context.may(Permission.RUNS_ADMIN)
    return Ok(await tx.views.runs(query.page, user_id=None if everyone else tx.context.user_id))


async def list_steps(tx: "Transaction", query: ListSteps) -> Result[Listed[StepView]]:
    """Refused: RunNotFound, NotYourRun."""
    found = await get_run(tx, GetRun(query.run_id))
    return found if isinstance(found, Err) else Ok(await tx.views.steps(query.run_id, query.page))


async def follow_run(tx: "Transaction", query: ListSteps) -> Result[Progress]:
    """The run, and then its steps: of a run that has ended, all are there. Refused: RunNotFound, NotYourRun."""
    found = await get_run(tx, GetRun(query.run_id))
    if isinstance(found, Err):
        return found
    return Ok(Progress(found.value, (await tx.views.steps(query.run_id, query.page)).items))
