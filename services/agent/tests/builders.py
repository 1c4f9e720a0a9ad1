"""Objects for tests, with what matters to no test filled in."""

from agent.application.loop import Task
from agent.domain.journal import Lease
from agent.domain.tools import Action, Kind
from chassis.core import Actor, new_id

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
