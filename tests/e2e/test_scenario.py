"""The product's main job, from end to end, and again in the organisation after."""

from uuid import UUID

import pytest

from local_stack import scenario
from local_stack.scenario import PROJECT, Story

from ..stack import Stack, eventually


@pytest.fixture(scope="module")
async def stories(stack: Stack) -> list[Story]:
    """Twice in a row, each time with two new people in a new organisation."""
    stack.healthy()
    return [await scenario.run(stack.url), await scenario.run(stack.url)]


@pytest.mark.parametrize("time", [0, 1], ids=["first", "again"])
class TestTheMainJob:
    def test_the_project_exists_with_its_provenance(self, stories: list[Story], time: int) -> None:
        story = stories[time]
        assert story.project["name"] == PROJECT
        assert len(story.history) == 1
        author = story.history[0]["author"]
        assert author["user_id"] == story.first["id"]
        assert author["agent_id"] == story.agent["id"]
        assert author["agent_version"] == 1
        assert author["run_id"] == story.reply["run_id"]
        assert UUID(author["tool_call"])

    def test_the_reply_stands_in_the_chat_after_the_question(self, stories: list[Story], time: int) -> None:
        story = stories[time]
        assert story.question["author"]["kind"] == "user"
        assert story.reply["author"]["kind"] == "agent"
        assert story.reply["number"] == story.question["number"] + 1
        assert PROJECT in story.reply["text"]

    def test_the_second_person_saw_it_live_and_the_chat_in_order(self, stories: list[Story], time: int) -> None:
        seen = stories[time].seen
        assert [event.kind for event in seen].count("modules.module-created") == 1
        said = [event.data["author"]["kind"] for event in seen if event.kind == "chats.message-sent"]
        assert said == ["user", "agent"]

    def test_the_second_person_saw_nothing_of_the_first_ones_run(self, stories: list[Story], time: int) -> None:
        assert not [event.kind for event in stories[time].seen if event.kind.startswith("agent.run-")]

    def test_one_trace_runs_through_all_processes(self, stack: Stack, stories: list[Story], time: int) -> None:
        def missing() -> set[str]:
            trace_id = stories[time].trace_id
            return {process for process in stack.urls if not _tells(stack, process, trace_id)}

        eventually(lambda: not missing(), f"each process has a line with the trace, also {missing()}", 5)


def test_two_organisations_see_nothing_of_each_other(stories: list[Story]) -> None:
    one, other = stories
    assert one.organisation["id"] != other.organisation["id"]
    for mine, yours in ((one, other), (other, one)):
        assert yours.organisation["id"] not in str([event.data for event in mine.seen])


def _tells(stack: Stack, process: str, trace_id: str) -> bool:
    return any(line.get("trace_id") == trace_id for line in stack.log(process))
