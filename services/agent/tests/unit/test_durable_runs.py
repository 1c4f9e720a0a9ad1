"""Crashes, pauses and stale workers, at each step of a run."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart

from agent.application.loop import ModelFailed
from agent.domain.commands import Suspend
from agent.domain.journal import JournalDiffers, Lease, LeaseLost, Step

from ..builders import DOCUMENT, a_task
from ..fakes import InMemoryJournals
from ..world import ScriptedModel, World

SCRIPT = (
    ModelResponse(  # two calls in one turn, and the same id again in the next: models do that
        parts=[
            ToolCallPart("create_project", {"name": "A"}, tool_call_id="call_0"),
            ToolCallPart("create_project", {"name": "B"}, tool_call_id="call_1"),
        ]
    ),
    ModelResponse(parts=[ToolCallPart("create_project", {"name": "C"}, tool_call_id="call_0")]),
    ModelResponse(parts=[TextPart("Done.")]),
)
STEPS = [
    "run.pinned",
    "model.request",
    "tool:create_project",
    "tool:create_project",
    "model.request",
    "tool:create_project",
    "model.request",
]


class Killed(BaseException):
    """The worker's process ends here."""


class KilledBeforeStep(InMemoryJournals):
    """Dies when it is to commit the given step: what the step did is done, the step is not journalled."""

    def __init__(self, journals: InMemoryJournals, number: int) -> None:
        super().__init__()
        self.epochs = journals.epochs
        self.steps = journals.steps
        self._number = number

    async def append(self, lease: Lease, step: Step) -> None:
        if step.number == self._number:
            raise Killed
        await super().append(lease, step)


@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
async def test_a_crash_before_any_step_is_journalled_repeats_that_step_only(number: int) -> None:
    model = ScriptedModel(SCRIPT)
    world, task = World(provider=model), a_task("go", model="test")
    lease = world.lease()
    with pytest.raises(Killed):
        await world.worker(journals=KilledBeforeStep(world.journals, number))(lease, task)
    assert await world.worker()(lease, task) == "Done."
    assert [one.input["name"] for one in world.modules.effects] == ["A", "B", "C"]
    assert model.asked <= 4  # three answers, one of them twice at most
    assert [step.name for step in world.journals.steps[lease.run_id]] == STEPS


async def test_a_finished_run_is_replayed_without_asking_anyone() -> None:
    model = ScriptedModel(SCRIPT)
    world, task = World(provider=model), a_task("go", model="test")
    lease = world.lease()
    await world.worker()(lease, task)
    assert await world.worker()(lease, task) == "Done."
    assert model.asked == 3
    assert len(world.modules.effects) == 3


class NeverRead(InMemoryJournals):
    """Fails whoever reads it."""

    async def read(self, lease: Lease) -> Sequence[Step]:
        raise AssertionError(lease)


async def test_only_the_first_to_hold_a_run_knows_its_journal_to_be_empty() -> None:
    world, task = World(), a_task("hello")
    later = world.lease()
    first = replace(later, epoch=1)
    world.journals.claim(first)
    unread = NeverRead()
    unread.claim(first)
    await world.worker(journals=unread)(first, task)
    world.journals.steps = unread.steps
    world.journals.claim(later)
    await world.worker()(later, task)
    assert [step.name for step in world.journals.steps[later.run_id]] == ["run.pinned", "model.request"]


async def test_a_run_without_a_reply_is_let_go_and_goes_on_when_it_has_come() -> None:
    model = ScriptedModel(SCRIPT)
    world, task = World(provider=model, answering=False), a_task("go", model="test")
    lease = world.lease()
    for finished in (2, 3, 5):
        with pytest.raises(Suspend):
            await world.worker()(lease, task)
        assert len(world.journals.steps[lease.run_id]) == finished
        world.log.deliver()
    assert await world.worker()(lease, task) == "Done."
    assert [one.input["name"] for one in world.modules.effects] == ["A", "B", "C"]
    assert model.asked == 3


async def test_a_stale_worker_writes_nothing_more() -> None:
    world, task = World(), a_task("create a project called X")
    old = world.lease()
    world.journals.claim(replace(old, epoch=old.epoch + 1))
    with pytest.raises(LeaseLost):
        await world.worker()(old, task)
    assert not world.journals.steps
    assert not world.modules.effects


async def test_a_run_keeps_the_kinds_it_began_with() -> None:
    world, task = World(answering=False), a_task("create a project called X")
    lease = world.lease()
    with pytest.raises(Suspend):
        await world.worker()(lease, task)
    world.kinds.kinds = (DOCUMENT,)
    world.log.deliver()
    assert await world.worker()(lease, task) == "Done: I created the project “X”."


async def test_a_journal_of_another_run_of_events_stops_the_run() -> None:
    world = World()
    lease = world.lease()
    world.journals.steps[lease.run_id] = [Step(1, "something.else", None)]
    with pytest.raises(JournalDiffers, match=r"something\.else"):
        await world.worker()(lease, a_task("create a project called X"))


async def test_the_limit_of_steps_ends_a_model_that_never_answers() -> None:
    again = ModelResponse(parts=[ToolCallPart("find_modules", {})])
    world = World(provider=ScriptedModel([again] * 20))
    with pytest.raises(ModelFailed, match="limit of 4 steps"):
        await world.worker()(world.lease(), a_task("go", model="test", step_limit=4))


async def test_an_unknown_provider_fails_the_run_with_a_reason() -> None:
    world = World()
    with pytest.raises(ModelFailed, match="nowhere"):
        await world.worker()(world.lease(), a_task("go", model="nowhere:gpt"))


async def test_bad_arguments_of_the_model_are_told_to_it_and_send_nothing() -> None:
    bad = ModelResponse(parts=[ToolCallPart("delete_project", {"module_id": "nonsense"})])
    world = World(provider=ScriptedModel([bad, SCRIPT[-1]]))
    lease = world.lease()
    assert await world.worker()(lease, a_task("go", model="test")) == "Done."
    assert "bad-arguments" in str(world.journals.steps[lease.run_id][2].result)
    assert not world.log.sent
