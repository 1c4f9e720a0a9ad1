"""I1, I2, I5, I16 as clients read in the end: the answers are what the rows hold, and hold what these clients were
told; others are answered nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..dumps import Row
from ..history import Json, Operation
from ..reading import PATHS, READ, READ_BY_OTHERS
from .evidence import Evidence, Violation

Values: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Source:
    """Of which rows an answer is made. `columns`: by field of the answer, the column that it shows; the fields of an
    answer's `author` are called `author_…`. `order`: the column by which a list goes."""

    service: str
    table: str
    id: str
    columns: Mapping[str, str]
    order: str | None = None
    newest_first: bool = False


SOURCES = {
    "chats": Source(
        "chats", "chats", "id", {"id": "id", "title": "title", "message_count": "last_number", "revision": "revision"}
    ),
    "chats/messages": Source(
        "chats",
        "messages",
        "chat_id",
        {
            "number": "number",
            "id": "id",
            "text": "text",
            "run_id": "run_id",
            "author_kind": "author_kind",
            "author_id": "author_id",
        },
        "number",
    ),
    "modules": Source(
        "modules",
        "modules",
        "id",
        {"id": "id", "kind": "kind", "name": "name", "status": "status", "revision": "revision", "data": "data"},
    ),
    "modules/versions": Source(
        "modules",
        "module_versions",
        "module_id",
        {
            "revision": "number",
            "change": "what",
            "action": "action",
            "name": "name",
            "status": "status",
            "data": "data",
            "author_user_id": "user_id",
            "author_tool_call": "tool_call",
        },
        "number",
        newest_first=True,
    ),
    "runs": Source(
        "agent",
        "runs",
        "id",
        {"id": "id", "status": "status", "text": "text", "reply": "reply", "reason": "reason", "revision": "revision"},
    ),
}
"""By the path without the id."""


def reads_equal_the_rows(evidence: Evidence) -> Iterator[Violation]:
    """I1: what stands in the rows is shown; I2: nothing else is; I5: a list is in order, and has nothing twice."""
    for line in evidence.notes:
        if line.op == READ:
            yield from _unlike_the_rows(evidence, line.value)


def _unlike_the_rows(evidence: Evidence, read: Json) -> Iterator[Violation]:
    path = read["path"]
    kind, id_, *part = path.removeprefix("/api/v1/").split("/")
    source = SOURCES["/".join([kind, *part])]
    rows = _rows_of(evidence, source, id_)
    there = [row for row in _rows_of(evidence, SOURCES[kind], id_) if part or not row.get("deleted")]
    if read["status"] != (200 if there else 404):
        yield Violation("I1", f"{path} was answered {read['status']}, its row is {there}", (path,))
        return
    if not there:
        return
    wanted = [_values(row, source.columns.values()) for row in rows]
    shown = [_values(_flat(item), source.columns) for item in _items(read)]
    missing, more = _less(wanted, shown), _less(shown, wanted)
    for values in missing:
        yield Violation("I1", f"{path} does not show {values}", (path,))
    for values in more:
        yield Violation("I2", f"{path} shows {values}, which no row holds", (path,))
    if not missing and not more and shown != wanted:
        yield Violation("I5", f"{path} is not in order, or shows something twice", (path,))


def _rows_of(evidence: Evidence, source: Source, id_: str) -> list[Row]:
    """In the order in which they are shown."""
    found = [row for row in evidence.dump.rows(source.service, source.table) if str(row[source.id]) == id_]
    if (column := source.order) is not None:
        found.sort(key=lambda row: row[column], reverse=source.newest_first)
    return found


TOLD: dict[str, Callable[[Operation, Row], bool]] = {
    "open-chat": lambda one, shown: shown.get("title") == one.given["unique"],
    "send-message": lambda one, shown: (
        (shown.get("id"), shown.get("text")) == (one.answer["answer_id"], one.given["unique"])
    ),
    "create-module": lambda one, shown: _is_version(one, shown, "created") and shown["name"] == one.given["unique"],
    "change-module": lambda one, shown: _is_version(one, shown, "changed") and shown["name"] == one.given["unique"],
    "act-on-module": lambda one, shown: _is_version(one, shown, "action-applied"),
    "delete-module": lambda one, shown: shown.get("change") == "deleted",
    "act": lambda one, shown: shown.get("text") == one.given["unique"],
    "cancel-run": lambda one, shown: shown.get("status") == one.answer["answer_status"],
}
"""Whether an item that was read in the end is what a successful answer told of."""


def reads_hold_what_was_told(evidence: Evidence) -> Iterator[Violation]:
    """I1: somewhere in what a client read of an object stands what the answer to its request had told it."""
    shown: dict[tuple[str, str], list[Row]] = {}
    for line in evidence.notes:
        if line.op == READ and line.value["status"] == 200:
            shown[line.process, line.value["path"]] = _items(line.value)
    for one in evidence.requests:
        if one.outcome != "ok" or one.op not in TOLD:
            continue
        read = [place for path in PATHS[one.op](one) if (place := (one.process, path)) in shown]
        if read and not any(TOLD[one.op](one, item) for place in read for item in shown[place]):
            yield Violation("I1", f"{one.op} succeeded and is not read in the end", (one.given["unique"], read[0][1]))


def others_read_nothing(evidence: Evidence) -> Iterator[Violation]:
    """I16: to another organisation the object is not there."""
    for line in evidence.notes:
        if line.op == READ_BY_OTHERS and line.value["status"] != 404:
            what = f"{line.value['path']} was answered {line.value['status']} to another organisation"
            yield Violation("I16", what, (line.process,))


def _is_version(one: Operation, shown: Row, change: str) -> bool:
    return (shown.get("revision"), shown.get("change")) == (one.answer["answer_revision"], change)


def _items(read: Json) -> list[Row]:
    if "items" in read:
        return list(read["items"])
    return [read["body"]] if read["status"] == 200 else []


def _flat(item: Row) -> Row:
    return {**item, **{f"author_{name}": value for name, value in item.get("author", {}).items()}}


def _less(some: list[Values], others: list[Values]) -> list[Values]:
    return [values for values in some if values not in others]


def _values(row: Row, names: Iterable[str]) -> Values:
    return tuple(row[name] for name in names)
