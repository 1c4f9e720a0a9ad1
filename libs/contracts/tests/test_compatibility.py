"""Planted changes: what may be changed within a version, and what is refused with the field's name."""

from copy import deepcopy
from typing import Any

import pytest

from contracts.chats.v1 import MessageSent
from contracts.compatibility import breaks
from contracts.event import Event
from contracts.modules.v1 import KindPublished
from contracts.registry import all_contracts

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
OPTIONAL_STRING: Schema = {"anyOf": [STRING, {"type": "null"}], "default": None}


def message(**fields: Schema | None) -> Schema:
    """The schema of `chats.message-sent`; None takes a field away, a new one is required unless it has a default."""
    return _changed(deepcopy(MessageSent.model_json_schema()), fields)


def message_by(**fields: Schema | None) -> Schema:
    """The same with other fields in its author."""
    schema = deepcopy(MessageSent.model_json_schema())
    _changed(schema["$defs"]["Author"], fields)
    return schema


def _changed(schema: Schema, fields: dict[str, Schema | None]) -> Schema:
    for name, field in fields.items():
        schema["required"] = [other for other in schema["required"] if other != name]
        schema["properties"].pop(name, None)
        if field is not None:
            schema["properties"][name] = field
            schema["required"] += [] if "default" in field else [name]
    return schema


def refused(old: Schema, new: Schema) -> tuple[set[str], set[str]]:
    """Fields where readers in use refuse new events, and those where new readers refuse old events."""
    forwards, backwards = breaks(writer=new, reader=old), breaks(writer=old, reader=new)
    return {found.pointer for found in forwards}, {found.pointer for found in backwards}


@pytest.mark.parametrize("event", all_contracts(), ids=lambda event: event.contract.kind)
def test_a_kind_is_compatible_with_itself(event: type[Event]) -> None:
    schema = event.model_json_schema()
    assert refused(schema, schema) == (set(), set())


@pytest.mark.parametrize(
    "changed",
    [
        message(mood=OPTIONAL_STRING),
        message(mood=STRING | {"default": "glad"}),
        message(run_id=None),
        message_by(mood=OPTIONAL_STRING),
        message(text=STRING | {"title": "What was said", "description": "In words."}),
        message(mood={"type": "array", "items": STRING, "default": []}),
        message(mood={"$ref": "#/$defs/Author", "default": {"kind": "user"}}),
    ],
    ids=[
        "add an optional field",
        "add a field with a default",
        "take an optional field away",
        "add an optional field inside",
        "describe a field otherwise",
        "add an optional list",
        "add an optional object",
    ],
)
def test_a_compatible_change_is_accepted(changed: Schema) -> None:
    assert refused(message(), changed) == (set(), set())


@pytest.mark.parametrize(
    ("changed", "forwards", "backwards"),
    [
        (message(mood=STRING), set(), {"/mood"}),
        (message(text=None), {"/text"}, set()),
        (message(text=OPTIONAL_STRING), {"/text"}, set()),
        (message(text={"type": "integer"}), {"/text"}, {"/text"}),
        (message(chat_id=STRING), {"/chat_id"}, set()),
        (message(text=STRING | {"format": "uuid"}), set(), {"/text"}),
        (message(text=STRING | {"pattern": "^[a-z]+$"}), set(), {"/text"}),
        (message(text=STRING | {"minLength": 1}), set(), {"/text"}),
        (message(text=STRING | {"enum": ["yes", "no"]}), set(), {"/text"}),
        (message(number={"type": "integer"}), {"/number"}, set()),
        (message(number={"type": "integer", "minimum": 2}), set(), {"/number"}),
        (message(number={"type": "number", "minimum": 1}), {"/number"}, set()),
        (message(run_id=STRING | {"format": "uuid"}), set(), {"/run_id"}),
        (message(run_id=OPTIONAL_STRING), {"/run_id"}, set()),
        (message(participants={"type": "array", "items": STRING}), {"/participants/*"}, set()),
        (message(participants={"type": "array", "items": {"type": "integer"}}), *[{"/participants/*"}] * 2),
        (message(author=STRING), {"/author"}, {"/author"}),
        (message_by(kind=STRING | {"enum": ["user", "agent", "system", "guest"]}), {"/author/kind"}, set()),
        (message_by(kind=STRING | {"enum": ["user", "agent"]}), set(), {"/author/kind"}),
        (message_by(role=STRING), set(), {"/author/role"}),
        (message_by(kind=None), {"/author/kind"}, set()),
    ],
)
def test_an_incompatible_change_is_refused_at_its_field(
    changed: Schema, forwards: set[str], backwards: set[str]
) -> None:
    assert refused(message(), changed) == (forwards, backwards)


def test_two_breaks_are_both_named() -> None:
    assert refused(message(), message(text=None, number=STRING))[0] == {"/text", "/number"}


def test_an_item_inside_a_list_is_named() -> None:
    old, new = deepcopy(KindPublished.model_json_schema()), KindPublished.model_json_schema()
    _changed(old["$defs"]["KindAction"], {"icon": STRING})
    assert refused(old, new) == ({"/actions/*/icon"}, set())


def test_a_change_in_every_shape_of_a_nullable_object_is_named() -> None:
    old, new = ({"anyOf": [_object(size), {"type": "null"}], "default": None} for size in ("integer", "string"))
    assert refused(message(box=old), message(box=new)) == ({"/box/size"}, {"/box/size"})
    assert refused(message(box=old), message(box=old)) == (set(), set())


def test_one_of_two_like_shapes_that_takes_it_is_enough() -> None:
    either = {"anyOf": [STRING | {"format": "uuid"}, STRING | {"format": "date"}], "default": None}
    assert refused(message(key=either), message(key=either)) == (set(), set())


def test_a_field_called_properties_is_a_field() -> None:
    old = message(properties={"type": "object", "additionalProperties": STRING})
    assert refused(old, old) == (set(), set())
    assert refused(old, message()) == ({"/properties"}, set())


def test_a_map_with_other_values_is_named() -> None:
    old, new = ({"type": "object", "additionalProperties": {"type": kind}} for kind in ("integer", "string"))
    assert refused(message(scores=old), message(scores=new)) == ({"/scores/*"}, {"/scores/*"})


def _object(size: str) -> Schema:
    return {"type": "object", "properties": {"size": {"type": size}}, "required": ["size"]}
