"""Lists in pages: what a use case is asked for and what it answers. Positions are values of the sort key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

Position: TypeAlias = tuple[str | int, ...]
"""Where a page ended: the sort key of its last row, e.g. `("2026-11-21T10:00:00Z", "<id>")`."""

R = TypeVar("R")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Page:
    """At most `limit` rows (1 to 200) that come after `after`; None: from the beginning."""

    limit: int
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class Listed(Generic[V]):
    """One page, and where it ended if more may follow."""

    items: Sequence[V]
    end: Position | None

    @classmethod
    def cut(cls, rows: Sequence[V], page: Page, position: Callable[[V], Position]) -> "Listed[V]":
        """The page from `page.limit + 1` rows: the row too many only says that there are more."""
        if len(rows) <= page.limit:
            return cls(rows, None)
        items = rows[: page.limit]
        return cls(items, position(items[-1]))
