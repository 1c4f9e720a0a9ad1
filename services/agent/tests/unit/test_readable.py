"""Journals as people read them, from runs of the real agent loop."""

from agent.application.readable import readable
from agent.application.views import StepView
from agent.domain.journal import JsonValue, Step

from ..builders import NOW, a_task
from ..world import World


async def journal_of(text: str) -> list[StepView]:
    world = World()
    lease = world.lease()
    await world.worker()(lease, a_task(text))
    return [readable(step, NOW) for step in world.journals.steps[lease.run_id]]


async def test_a_journal_tells_what_was_asked_called_and_answered() -> None:
    begun, called, gave, answered = await journal_of("create a project called X")
    assert (begun.kind, begun.content) == ("begun", {"kinds": ["project", "document"], "earlier_messages": 0})
    assert (called.kind, called.tool) == ("model", None)
    assert called.content == {"text": None, "calls": [{"tool": "create_project", "arguments": {"name": "X"}}]}
    assert (gave.kind, gave.tool) == ("tool", "create_project")
    assert isinstance(gave.content, dict)
    assert gave.content["outcome"] == "done"
    assert answered.content == {"text": "Done: I created the project “X”.", "calls": []}


def test_a_step_of_an_unknown_form_is_shown_without_its_content() -> None:
    forms: list[tuple[str, JsonValue]] = [("model.request", {"new": 1}), ("tool:x", None), ("tool:x", {"result": "{"})]
    for name, result in forms:
        shown = readable(Step(4, name, result), NOW)
        assert (shown.number, shown.content, shown.finished_at) == (4, None, NOW)
