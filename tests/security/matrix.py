"""Reads the access matrix (`matrix.txt`) and says where it and the OpenAPI document differ."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools import tree

CALLERS = ("owner", "member", "viewer", "foreign", "nobody", "operator")
"""The columns; what they mean stands at the top of the table."""

TABLE = Path(__file__).parent / "matrix.txt"

_CHECKOUT = Path(__file__).parents[2]
_OPERATIONS = "/api/v1/operations/"

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


@dataclass(frozen=True)
class Row:
    """One route in one situation, and the status that each caller gets there."""

    method: str
    path: str
    situation: str
    expected: dict[str, int]

    @property
    def route(self) -> tuple[str, str]:
        """Method and path, as the document has them."""
        return self.method, self.path

    @property
    def for_operators(self) -> bool:
        """Whether all but operators are sent away at the door, whatever they ask for."""
        return self.path.startswith(_OPERATIONS)

    @property
    def insider(self) -> str:
        """The caller who gets furthest."""
        return "operator" if self.for_operators else "owner"

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.situation})"


class BadTable(ValueError):
    """A line that is no row."""


def read(text: str) -> list[Row]:
    """The rows of a table; one whose path has a `*` is a row for each service. Raises BadTable."""
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    rows = [_row(words) for words in lines]
    return [each for row in rows for each in _of_each_service(row)]


def _of_each_service(row: Row) -> list[Row]:
    if "*" not in row.path:
        return [row]
    return [replace(row, path=row.path.replace("*", service)) for service in tree.services(_CHECKOUT)]


def _row(words: list[str]) -> Row:
    if len(words) != 3 + len(CALLERS):
        raise BadTable(f"{len(words)} words where {3 + len(CALLERS)} belong: {' '.join(words)}")
    method, path, situation, *statuses = words
    try:
        return Row(method, path, situation, dict(zip(CALLERS, map(int, statuses), strict=True)))
    except ValueError as error:
        raise BadTable(" ".join(words)) from error


def routes(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Every route that an OpenAPI document names."""
    return {(method.upper(), path) for path, item in document["paths"].items() for method in item if method in _METHODS}


def gaps(rows: Iterable[Row], document: dict[str, Any]) -> list[str]:
    """A line for each route without a row and each row without a route."""
    in_table, in_document = {row.route for row in rows}, routes(document)
    return [*_lines(in_document - in_table, "is not in the matrix"), *_lines(in_table - in_document, "is no route")]


def one_of_each(rows: Iterable[Row]) -> list[Row]:
    """For each route the first situation in which its insider succeeds, or where none is, the first."""
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        known = found.setdefault(row.route, row)
        if known.expected[row.insider] >= 400 > row.expected[row.insider]:
            found[row.route] = row
    return list(found.values())


def _lines(found: set[tuple[str, str]], what: str) -> Iterator[str]:
    return (f"{method} {path} {what}" for method, path in sorted(found))
