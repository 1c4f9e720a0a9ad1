"""What was tried and what came of it: one JSON line per beginning and per end, written as it happens.

A client's operation begins with `invoke` and ends with `ok`, `fail` (it had no effect) or `info` (nobody knows: a
time-out, a broken connection, a 5xx). The faults stand in the same file. A line of type `note` stands alone.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

Json: TypeAlias = dict[str, Any]
Outcome: TypeAlias = Literal["ok", "fail", "info"]
Type: TypeAlias = Literal["invoke", "note"] | Outcome

NEMESIS = "nemesis"


@dataclass(frozen=True, slots=True)
class Line:
    """`at` in seconds since the beginning; `number` joins an `invoke` with its end."""

    at: float
    process: str
    type: Type
    op: str
    number: int
    value: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """An `invoke` with its end; one without an end is `info`."""

    number: int
    process: str
    op: str
    given: Json
    outcome: Outcome
    answer: Json
    began: float
    ended: float


class History:
    """Appends to one file; nothing is kept in memory."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)
        self._began = time.monotonic()
        self._invoked: dict[int, tuple[str, str]] = {}
        self._last = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def invoke(self, process: str, op: str, value: Json) -> int:
        """The number under which the operation ends."""
        self._last += 1
        self._invoked[self._last] = (process, op)
        self._write(process, "invoke", op, self._last, value)
        return self._last

    def end(self, number: int, outcome: Outcome, value: Json) -> None:
        """How the operation ended."""
        process, op = self._invoked.pop(number)
        self._write(process, outcome, op, number, value)

    def note(self, process: str, op: str, value: Json) -> None:
        """Something that is no operation, e.g. an event that a client was sent."""
        self._write(process, "note", op, 0, value)

    def _write(self, process: str, kind: Type, op: str, number: int, value: Json) -> None:
        at = round(time.monotonic() - self._began, 4)
        self._file.write(json.dumps(asdict(Line(at, process, kind, op, number, value))) + "\n")


def read(path: Path) -> list[Line]:
    """All lines of a file."""
    return [Line(**json.loads(line)) for line in path.read_text().splitlines()]


def operations(lines: Iterable[Line]) -> list[Operation]:
    """In order of their beginning, the nemesis' included."""
    begun: dict[int, Line] = {}
    ended: dict[int, Line] = {}
    for line in lines:
        if line.type == "invoke":
            begun[line.number] = line
        elif line.type != "note":
            ended[line.number] = line
    return [_joined(line, ended.get(number)) for number, line in begun.items()]


def _joined(begun: Line, ended: Line | None) -> Operation:
    if ended is None or ended.type == "invoke" or ended.type == "note":
        return Operation(begun.number, begun.process, begun.op, begun.value, "info", {}, begun.at, float("inf"))
    outcome = ended.type
    return Operation(begun.number, begun.process, begun.op, begun.value, outcome, ended.value, begun.at, ended.at)
