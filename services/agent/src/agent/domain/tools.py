"""Tools made from the module kinds, as published: no code of another service is needed to act on its objects."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from agent.domain.commands import Change
from agent.domain.journal import JsonValue

Schema: TypeAlias = "dict[str, JsonValue]"

MODULE_ID: Schema = {"type": "string", "format": "uuid", "description": "Id of the module, as find_modules gives it."}


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done to a module of a kind. `input_schema` is the JSON Schema of an object."""

    name: str
    title: str
    description: str
    input_schema: Schema


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of module as its owner published it. `data_schema` is the JSON Schema of an object."""

    name: str
    title: str
    description: str
    data_schema: Schema
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """The tool gives an order to the owner of modules."""

    change: Change
    kind: str
    action_name: str | None = None


@dataclass(frozen=True, slots=True)
class Finds:
    """The tool searches the agent's own projection of modules."""


@dataclass(frozen=True, slots=True)
class Reads:
    """The tool reads one module from the agent's own projection."""


@dataclass(frozen=True, slots=True)
class Tool:
    """What a model is offered: a name, what it is for, the JSON Schema of its arguments, and what it does."""

    name: str
    description: str
    input_schema: Schema
    does: Changes | Finds | Reads


def tools_of(kinds: Iterable[Kind]) -> dict[str, Tool]:
    """The tools for these kinds, by name, in an order that depends on the kinds only.

    `create_`, `change_` and `delete_` go before an action of the same name, and so do the read tools: names of tools
    are unique, and the first one stays.
    """
    known = sorted(kinds, key=lambda kind: kind.name)
    tools: dict[str, Tool] = {}
    for tool in [*_reading(known), *(tool for kind in known for tool in _changing(kind))]:
        tools.setdefault(tool.name, tool)
    return tools


def tool_name(verb: str, kind: str) -> str:
    """Letters, digits and underscores only: what every model provider accepts."""
    return f"{verb}_{kind}".replace("-", "_")


def _reading(kinds: list[Kind]) -> Iterator[Tool]:
    find: Schema = {"text": {"type": "string", "description": "Part of the name; leave it out to list all."}}
    if kinds:
        find["kind"] = {"type": "string", "enum": [kind.name for kind in kinds]}
    yield Tool("find_modules", "Finds modules by name and kind.", _object(find, []), Finds())
    read = _object({"module_id": MODULE_ID}, ["module_id"])
    yield Tool("read_module", "Reads one module with its data.", read, Reads())


def _changing(kind: Kind) -> Iterator[Tool]:
    what = f"{kind.title}: {kind.description}"
    yield Tool(
        tool_name("create", kind.name),
        f"Creates a {kind.name}. {what}",
        kind.data_schema,
        Changes(Change.CREATE, kind.name),
    )
    yield Tool(
        tool_name("change", kind.name),
        f"Changes fields of a {kind.name}; fields left out stay, null removes one.",
        _on_module(kind.data_schema, field="changes", optional_fields=True),
        Changes(Change.CHANGE, kind.name),
    )
    yield Tool(
        tool_name("delete", kind.name),
        f"Deletes a {kind.name}.",
        _object({"module_id": MODULE_ID}, ["module_id"]),
        Changes(Change.DELETE, kind.name),
    )
    yield from (_acting(kind, action) for action in kind.actions)


def _acting(kind: Kind, action: Action) -> Tool:
    return Tool(
        tool_name(action.name, kind.name),
        f"{action.title} ({kind.name}). {action.description}",
        _on_module(action.input_schema, field="input"),
        Changes(Change.ACT, kind.name, action.name),
    )


def _on_module(schema: Schema, *, field: str, optional_fields: bool = False) -> Schema:
    """Arguments of a tool on one module: its id, and beside it (so that no name can clash) an object of `schema`.

    `$defs` move to the root, since references within a schema start there.
    """
    inner = {name: value for name, value in schema.items() if name != "$defs"}
    if optional_fields:
        inner.pop("required", None)
    made = _object({"module_id": MODULE_ID, field: inner}, ["module_id", field])
    if "$defs" in schema:
        made["$defs"] = schema["$defs"]
    return made


def _object(properties: Schema, required: list[JsonValue]) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
