"""Routes of agent."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Query
from starlette.responses import Response

from agent.application.act import Act
from agent.application.cancel_run import CancelRun
from agent.application.ports import Transaction
from agent.application.use_cases import UseCases
from agent.application.views import GetAgent, GetRun, ListAgents, ListRuns, ListSteps
from agent.domain.errors import (
    AgentNotFound,
    AgentUnknown,
    ChatIsBusy,
    ChatNotFound,
    MayNotAct,
    NoAgentYet,
    NotAParticipant,
    NotYourRun,
    RunHasEnded,
    RunNotFound,
)
from agent.entrypoints.schemas import ActBody, ActedBody, AgentBody, RunBody, StepBody
from agent.entrypoints.waiting import Waiting
from chassis.http.answers import accepted, ok
from chassis.http.door import Door, Doors
from chassis.http.failures import InvalidInput
from chassis.http.pages import ListQuery, Paged
from chassis.http.problems import problems
from chassis.http.routing import Router

AgentDoor = Door[Transaction]
AgentDoors = Doors[Transaction]

NEWEST_FIRST = "newest-first"
OLDEST_FIRST = "oldest-first"
STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}

# A journal has nowhere near so many steps; a larger number is no number of a step.
LastEventId = Annotated[int, Header(ge=0, le=1_000_000, description="The number of the last step that was received")]


def routes(use_cases: UseCases, doors: AgentDoors, waiting: Waiting) -> Router:
    """All routes under `/agent`, `/agents` and `/runs`."""
    router = Router()
    _act(router, use_cases, doors, waiting)
    _follow_run(router, doors, waiting)
    for add in (_list_agents, _get_agent, _list_runs, _get_run, _list_steps, _cancel_run):
        add(router, use_cases, doors)
    return router


def _act(router: Router, use_cases: UseCases, doors: AgentDoors, waiting: Waiting) -> None:
    refusals = problems(ChatNotFound, NotAParticipant, MayNotAct, AgentUnknown, NoAgentYet, ChatIsBusy)
    ended: dict[int | str, dict[str, Any]] = {200: {"model": RunBody, **STREAM[200]}}

    @router.post(
        "/agent/act", status_code=202, response_model=ActedBody, responses={**ended, **refusals}, tags=["runs"]
    )
    async def act(
        body: ActBody,
        door: Annotated[AgentDoor, Depends(doors)],
        prefer: Annotated[str | None, Header(description="`wait=30`: answer with the run when it has ended")] = None,
        accept: Annotated[str | None, Header(include_in_schema=False)] = None,
    ) -> Response:
        """Asks an agent to act. The run goes on after the answer, unless you wait for its end, or listen to its stream:
        `Accept: text/event-stream`."""
        command = Act(body.message, body.chat_id, body.agent_id, body.on_busy == "reject")
        answer = await door.write(
            use_cases.act, command, lambda run: accepted(ActedBody.of(run), at=f"/api/v1/runs/{run.run_id}")
        )
        return await waiting.instead(answer, door, prefer, accept)


def _follow_run(router: Router, doors: AgentDoors, waiting: Waiting) -> None:
    refusals = problems(RunNotFound, NotYourRun, InvalidInput)

    @router.get("/runs/{run_id}/events", response_model=None, responses={**STREAM, **refusals}, tags=["runs"])
    async def follow_run(
        run_id: UUID, door: Annotated[AgentDoor, Depends(doors)], last_event_id: LastEventId = 0
    ) -> Response:
        """The run as server-sent events: `step` for each finished step, its number as id, then `completed`, `failed` or
        `cancelled` with the run. Resume with Last-Event-ID, at any replica."""
        return await waiting.stream(door, run_id, after=last_event_id)


def _list_agents(router: Router, use_cases: UseCases, doors: AgentDoors) -> None:
    @router.get("/agents", response_model=Paged[AgentBody], tags=["agents"])
    async def list_agents(query: Annotated[ListQuery, Query()], door: Annotated[AgentDoor, Depends(doors)]) -> Response:
        """The agents of the organisation, the oldest first."""
        page = door.page(query, sort=OLDEST_FIRST)
        return await door.read(
            use_cases.list_agents, ListAgents(page), lambda found: door.listed(found, AgentBody.of, sort=OLDEST_FIRST)
        )


def _get_agent(router: Router, use_cases: UseCases, doors: AgentDoors) -> None:
    @router.get("/agents/{agent_id}", response_model=AgentBody, responses=problems(AgentNotFound), tags=["agents"])
    async def get_agent(agent_id: UUID, door: Annotated[AgentDoor, Depends(doors)]) -> Response:
        """One agent in its present version."""
        return await door.read(
            use_cases.get_agent, GetAgent(agent_id), lambda agent: ok(AgentBody.of(agent), etag=agent.revision)
        )


def _list_runs(router: Router, use_cases: UseCases, doors: AgentDoors) -> None:
    @router.get("/runs", response_model=Paged[RunBody], tags=["runs"])
    async def list_runs(query: Annotated[ListQuery, Query()], door: Annotated[AgentDoor, Depends(doors)]) -> Response:
        """The runs you asked for, the newest first; for an admin, those of the whole organisation."""
        page = door.page(query, sort=NEWEST_FIRST)
        return await door.read(
            use_cases.list_runs, ListRuns(page), lambda found: door.listed(found, RunBody.of, sort=NEWEST_FIRST)
        )


def _get_run(router: Router, use_cases: UseCases, doors: AgentDoors) -> None:
    refusals = problems(RunNotFound, NotYourRun)

    @router.get("/runs/{run_id}", response_model=RunBody, responses=refusals, tags=["runs"])
    async def get_run(run_id: UUID, door: Annotated[AgentDoor, Depends(doors)]) -> Response:
        """One run. Only who asked for it, or an admin, may see it."""
        return await door.read(use_cases.get_run, GetRun(run_id), lambda run: ok(RunBody.of(run), etag=run.revision))


def _list_steps(router: Router, use_cases: UseCases, doors: AgentDoors) -> None:
    refusals = problems(RunNotFound, NotYourRun)

    @router.get("/runs/{run_id}/journal", response_model=Paged[StepBody], responses=refusals, tags=["runs"])
    async def list_steps(
        run_id: UUID, query: Annotated[ListQuery, Query()], door: Annotated[AgentDoor, Depends(doors)]
    ) -> Response:
        """The finished steps of a run: what it began with, what the model said, what the tools gave."""
        page = door.page(query, sort=OLDEST_FIRST)
        return await door.read(
            use_cases.list_steps,
            ListSteps(run_id, page),
            lambda found: door.listed(found, StepBody.of, sort=OLDEST_FIRST),
        )


def _cancel_run(router: Router, use_cases: UseCases, doors: AgentDoors) -> None:
    refusals = problems(RunNotFound, NotYourRun, RunHasEnded)

    @router.post("/runs/{run_id}/cancel", response_model=RunBody, responses=refusals, tags=["runs"])
    async def cancel_run(run_id: UUID, door: Annotated[AgentDoor, Depends(doors)]) -> Response:
        """Stops a run that has not ended. What it did stays done."""
        return await door.write(
            use_cases.cancel_run, CancelRun(run_id), lambda run: ok(RunBody.of(run), etag=run.revision)
        )
