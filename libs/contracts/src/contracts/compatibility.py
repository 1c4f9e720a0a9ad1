"""Whether what one release writes can be read by another.

The rule: every document that the writer's schema allows, *closed* (no fields beyond those it names), must be valid by
the reader's, *open* (unknown fields are passed over). jsoncompat decides it node by node, so that the field can be
named; formats and patterns, which it does not compare, are compared here.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from jsoncompat import check_compat

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Break:
    """A place in the data (a JSON pointer, `*` for each item) where a reader refuses what a writer may send."""

    pointer: str
    why: str


def breaks(writer: Schema, reader: Schema) -> list[Break]:
    """All places where the reader refuses what the writer may send; none: compatible. Schemas must not recurse."""
    return list(_breaks(_inlined(writer, writer, closed=True), _inlined(reader, reader, closed=False), ""))


def _breaks(writer: Schema, reader: Schema, at: str) -> Iterator[Break]:
    inner = [*_in_fields(writer, reader, at), *_in_items(writer, reader, at), *_in_branches(writer, reader, at)]
    yield from inner
    yield from (
        Break(at or "/", f"a reader demands the {rule} {reader[rule]!r}, writers do not")
        for rule in ("format", "pattern")
        if rule in reader and reader[rule] != writer.get(rule)
    )
    if not inner and not check_compat(json.dumps(writer), json.dumps(reader), "deserializer"):
        yield Break(at or "/", f"writers may send {_said(writer)}, a reader accepts {_said(reader)}")


def _in_fields(writer: Schema, reader: Schema, at: str) -> Iterator[Break]:
    if not writer.get("type") == reader.get("type") == "object":
        return
    for name in reader.get("required", ()):
        if name not in writer.get("required", ()):
            yield Break(f"{at}/{name}", "a reader requires it, writers may leave it out")
    written, read = writer.get("properties", {}), reader.get("properties", {})
    for name in sorted(written.keys() & read.keys()):
        yield from _breaks(written[name], read[name], f"{at}/{name}")


def _in_items(writer: Schema, reader: Schema, at: str) -> Iterator[Break]:
    for keyword in ("items", "additionalProperties"):
        written, read = writer.get(keyword), reader.get(keyword)
        if isinstance(written, dict) and isinstance(read, dict):
            yield from _breaks(written, read, f"{at}/*")


def _in_branches(writer: Schema, reader: Schema, at: str) -> Iterator[Break]:
    """Each alternative of the writer against the reader's of the same type: one that takes it is enough."""
    if "anyOf" not in writer and "anyOf" not in reader:
        return
    for written in writer.get("anyOf", [writer]):
        tried = [
            list(_breaks(written, read, at))
            for read in reader.get("anyOf", [reader])
            if read.get("type") == written.get("type")
        ]
        if tried and all(tried):
            yield from tried[0]


def _inlined(schema: Schema, root: Schema, *, closed: bool) -> Schema:
    """The schema without `$ref`; closed: objects with named fields allow no others."""
    if "$ref" in schema:
        target = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        return _inlined(
            {**target, **{key: value for key, value in schema.items() if key != "$ref"}}, root, closed=closed
        )
    whole = {key: value for key, value in schema.items() if key not in {"$defs", "$id", "$schema"}}
    for keyword in ("items", "additionalProperties"):
        if isinstance(whole.get(keyword), dict):
            whole[keyword] = _inlined(whole[keyword], root, closed=closed)
    if "anyOf" in whole:
        whole["anyOf"] = [_inlined(branch, root, closed=closed) for branch in whole["anyOf"]]
    if "properties" in whole:
        fields = cast("dict[str, Schema]", whole["properties"])
        whole["properties"] = {name: _inlined(field, root, closed=closed) for name, field in fields.items()}
        whole |= {"additionalProperties": False} if closed else {}
    return whole


def _said(schema: Schema) -> str:
    notes = ("title", "description", "default", "examples")
    said = json.dumps({key: value for key, value in schema.items() if key not in notes})
    return said if len(said) <= 120 else f"{said[:120]}…"
