"""What every kind must keep to. A new file in `kinds/` is tested here without being named."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import modules.kinds
from chassis.core import Err, Ok
from contracts.permissions import Permission
from modules.application import typed_data
from modules.application.views import KindView
from modules.domain.errors import RuleBroken
from modules.domain.kind import Kind
from modules.kinds import all_kinds

from ..builders import NOW, a_doer, a_module

KINDS = tuple(all_kinds().values())
ACTIONS = [pytest.param(kind, action, id=f"{kind.name}-{action.name}") for kind in KINDS for action in kind.actions]
TAKEN = {"create", "change", "delete", "find", "read"}
"""What the agent's tools are called for every kind, so no action may be."""

WORD = r"^[a-z][a-z0-9-]{0,62}$"
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
every_action = pytest.mark.parametrize(("kind", "action"), ACTIONS)


@every_kind
def test_its_schemas_are_json_schemas_of_objects_that_refuse_unknown_fields(kind: Kind[Any]) -> None:
    view = KindView.of(kind)
    for schema in [view.data_schema, *(action.input_schema for action in view.actions)]:
        Draft202012Validator.check_schema(schema)
        assert (schema["type"], schema["additionalProperties"]) == ("object", False)


@every_kind
def test_its_example_is_valid_for_its_model_and_its_schema(kind: Kind[Any]) -> None:
    example = typed_data.to_json(kind.example)
    Draft202012Validator(typed_data.schema(kind.data)).validate(example)
    assert typed_data.read(kind.data, example, at="data") == Ok(kind.example)


@every_kind
def test_its_name_field_is_called_name_or_title_and_is_a_required_short_text(kind: Kind[Any]) -> None:
    schema = typed_data.schema(kind.data)
    field = schema["properties"][kind.name_field]
    assert kind.name_field in ("name", "title")
    assert kind.name_field in schema["required"]
    assert field["type"] == "string"
    assert field["minLength"] >= 1
    assert field["maxLength"] <= 200


@every_kind
def test_its_words_are_fit_for_the_wire_and_stand_once(kind: Kind[Any]) -> None:
    actions = [action.name for action in kind.actions]
    Draft202012Validator({"items": {"pattern": WORD}}).validate([kind.name, *actions, *map(str, kind.statuses)])
    assert len(set(actions)) == len(actions)
    assert len(set(kind.statuses)) == len(kind.statuses)
    assert TAKEN.isdisjoint(actions)


@every_kind
def test_people_are_told_what_it_is(kind: Kind[Any]) -> None:
    told = [kind.title, kind.description, *(text for one in kind.actions for text in (one.title, one.description))]
    fields = typed_data.schema(kind.data)["properties"]
    assert all(told)
    assert [name for name, field in fields.items() if not field.get("description")] == []


@every_kind
def test_its_actions_lead_from_status_to_status_and_each_status_can_be_reached(kind: Kind[Any]) -> None:
    steps = [step for action in kind.actions for step in action.moves.items()]
    assert {status for step in steps for status in step} <= set(kind.statuses)
    reached = {kind.initial}
    for _ in kind.statuses:
        reached |= {to for before, to in steps if before in reached}
    assert reached == set(kind.statuses)


@every_kind
def test_its_example_survives_a_stored_round_trip_through_json(kind: Kind[Any]) -> None:
    assert typed_data.stored(kind.data, typed_data.to_json(kind.example)) == kind.example


@every_action
def test_an_action_needs_a_permission_that_there_is(kind: Kind[Any], action: Any) -> None:
    assert Permission(action.permission).startswith("modules:")
    assert action.moves


@every_action
def test_an_actions_example_is_valid_and_leaves_valid_data(kind: Kind[Any], action: Any) -> None:
    given = typed_data.to_json(action.example)
    Draft202012Validator(typed_data.schema(action.input)).validate(given)
    read = typed_data.read(action.input, given, at="input")
    assert read == Ok(action.example)
    after = typed_data.to_json(action.apply(kind.example, action.example))
    assert isinstance(typed_data.read(kind.data, after, at="data"), Ok)


@every_action
def test_an_action_moves_from_each_status_that_it_names_or_names_the_rule(kind: Kind[Any], action: Any) -> None:
    for before, after in action.moves.items():
        module = a_module(kind, status=before)
        acted = module.act(action, action.example, by=a_doer(), now=NOW)
        if isinstance(acted, Err):
            assert isinstance(acted.failure, RuleBroken)
            assert acted.failure.rule in {rule.name for rule in action.rules}
        else:
            assert (module.status, acted.value.status, acted.value.action) == (after, after, action.name)


@every_action
def test_an_action_is_refused_in_every_other_status_and_changes_nothing(kind: Kind[Any], action: Any) -> None:
    for status in set(kind.statuses) - set(action.moves):
        module = a_module(kind, status=status)
        refused = module.act(action, action.example, by=a_doer(), now=NOW)
        assert isinstance(refused, Err)
        assert isinstance(refused.failure, RuleBroken)
        assert refused.failure.rule == "status"
        assert str(status) in refused.failure.detail
        assert (module.status, module.data, module.take_recorded()) == (status, kind.example, [])


def test_a_file_in_the_folder_is_all_that_a_new_kind_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Path(modules.kinds.__path__[0], "project.py").read_text()
    (tmp_path / "stage_plan.py").write_text(text.replace('name="project"', 'name="stage-plan"'))
    monkeypatch.setattr(modules.kinds, "__path__", [*modules.kinds.__path__, str(tmp_path)])
    assert set(all_kinds()) == {kind.name for kind in KINDS} | {"stage-plan"}


@pytest.mark.parametrize("text", ["", "KIND = 'poster'", "from modules.kinds.project import KIND"])
def test_a_file_that_does_not_define_its_kind_refuses_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    name = f"poster_{len(text)}"
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(modules.kinds, "__path__", [str(tmp_path)])
    with pytest.raises(LookupError, match=f"{name}.py must define KIND"):
        all_kinds()
