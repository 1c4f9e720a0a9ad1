import re

from agent.domain.commands import Change
from agent.domain.tools import Action, Changes, Kind, tools_of

from ..builders import DOCUMENT, PROJECT


def test_each_kind_gives_tools_to_create_change_delete_and_act() -> None:
    tools = tools_of([PROJECT])
    assert list(tools) == [
        "find_modules",
        "read_module",
        "create_project",
        "change_project",
        "delete_project",
        "put_on_hold_project",
    ]
    assert tools["put_on_hold_project"].does == Changes(Change.ACT, "project", "put-on-hold")


def test_names_of_tools_are_what_every_provider_accepts() -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9_]{1,64}", name) for name in tools_of([PROJECT, DOCUMENT]))


def test_the_order_of_tools_depends_on_the_kinds_only() -> None:
    assert tools_of([PROJECT, DOCUMENT]) == tools_of([DOCUMENT, PROJECT])
    assert list(tools_of([PROJECT, DOCUMENT])) == list(tools_of([DOCUMENT, PROJECT]))


def test_a_change_names_the_module_and_requires_no_field_of_it() -> None:
    schema = tools_of([PROJECT])["change_project"].input_schema
    assert schema["required"] == ["module_id", "changes"]
    assert schema["properties"]["changes"] == {  # type: ignore[index,call-overload]  # JSON of known form
        "type": "object",
        "properties": PROJECT.data_schema["properties"],
    }
    assert schema["$defs"] == PROJECT.data_schema["$defs"]


def test_an_action_cannot_take_the_place_of_a_built_in_tool() -> None:
    kind = Kind("thing", "Thing", "", {}, (Action("create", "Other", "", {}),))
    assert tools_of([kind])["create_thing"].does == Changes(Change.CREATE, "thing")


def test_without_kinds_the_search_offers_no_choice_of_kinds() -> None:
    assert "kind" not in str(tools_of([])["find_modules"].input_schema["properties"])
