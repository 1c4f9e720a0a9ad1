"""Objects for tests, with what matters to no test filled in."""

from datetime import UTC, datetime
from uuid import UUID

from agent.application.loop import Task
from agent.domain.agent import OFFLINE, Agent
from agent.domain.journal import Lease
from agent.domain.run import Question, Run
from agent.domain.tools import Action, Kind
from chassis.core import Actor, new_id

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)

PROJECT = Kind(
    name="project",
    title="Project",
    description="A piece of work for a client.",
    data_schema={
        "type": "object",
        "properties": {"name": {"type": "string"}, "status": {"$ref": "#/$defs/Status"}},
        "required": ["name"],
        "$defs": {"Status": {"type": "string", "enum": ["planned", "active"]}},
    },
    actions=(Action("put-on-hold", "Put on hold", "Stops work for a while.", {"type": "object", "properties": {}}),),
)

DOCUMENT = Kind(
    name="document",
    title="Document",
    description="A text.",
    data_schema={"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]},
)


def a_lease() -> Lease:
    run_id = new_id()
    return Lease(run_id, new_id(), 1, Actor.user(new_id()).through(new_id(), 1, run_id), new_id())


def a_task(text: str, *, model: str = "offline", step_limit: int = 10) -> Task:
    return Task(text, instructions="Be useful.", model=model, step_limit=step_limit)


def an_agent(org_id: UUID | None = None) -> Agent:
    return Agent.assistant(new_id(), org_id or new_id(), OFFLINE)


def a_run(*, agent: Agent | None = None, user_id: UUID | None = None, chat_id: UUID | None = None) -> Run:
    question = Question(user_id or new_id(), "create a project called X", new_id())
    return Run.queue(agent or an_agent(), question, chat_id=chat_id, now=NOW)
