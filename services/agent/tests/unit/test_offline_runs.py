"""The offline model through the whole run engine."""

from agent.application.ports import Turn
from agent.domain.commands import Refused

from ..builders import a_task
from ..world import World


async def test_a_project_is_created_and_the_answer_says_so() -> None:
    world = World()
    answer = await world.worker()(world.lease(), a_task("create a project called Summer Tour"))
    assert answer == "Done: I created the project “Summer Tour”."
    assert [one["name"] for one in world.modules.modules.values()] == ["Summer Tour"]


async def test_a_document_gets_its_name_as_title() -> None:
    world = World()
    await world.worker()(world.lease(), a_task("create a document called Rider"))
    assert world.modules.effects[0].input == {"title": "Rider"}


async def test_a_refusal_is_told_with_its_reason() -> None:
    world = World(refuse=Refused("not-allowed", "You may not create projects."))
    answer = await world.worker()(world.lease(), a_task("create a project called Summer Tour"))
    assert answer == "I could not create the project “Summer Tour”: You may not create projects."


async def test_a_project_is_renamed_by_its_name() -> None:
    world = World()
    module_id = world.modules.add("project", "Summer Tour")
    world.modules.add("project", "Summer Tour 2")
    answer = await world.worker()(world.lease(), a_task("rename the project summer tour to Winter Tour"))
    assert answer == "Done: I renamed the project “summer tour” to “Winter Tour”."
    assert world.modules.modules[module_id]["name"] == "Winter Tour"
    assert len(world.modules.effects) == 1


async def test_renaming_what_is_not_there_changes_nothing() -> None:
    world = World()
    answer = await world.worker()(world.lease(), a_task("rename the project X to Y"))
    assert answer == "I found no project called “X”."
    assert not world.modules.effects


async def test_of_two_with_one_name_none_is_renamed() -> None:
    world = World()
    world.modules.add("project", "X")
    world.modules.add("project", "X")
    answer = await world.worker()(world.lease(), a_task("rename the project X to Y"))
    assert answer == "There are 2 of the name “X”, so I changed none of them."
    assert not world.modules.effects


async def test_found_projects_are_listed() -> None:
    world = World()
    world.modules.add("project", "Summer Tour")
    world.modules.add("document", "Summer notes")
    answer = await world.worker()(world.lease(), a_task("find the project summer"))
    assert answer == "I found 1 project matching “summer”:\n- Summer Tour (planned)"


async def test_anything_else_is_answered_honestly() -> None:
    world = World()
    answer = await world.worker()(world.lease(), a_task("what is the meaning of life?"))
    assert answer.startswith("I am an offline model")
    assert "document, project" in answer


async def test_only_the_last_message_is_obeyed() -> None:
    world = World()
    world.conversations.turns = (Turn("user", "create a project called Old"), Turn("agent", "Done."))
    await world.worker()(world.lease(), a_task("create a project called New"))
    assert [one["name"] for one in world.modules.modules.values()] == ["New"]
