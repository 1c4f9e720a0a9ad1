"""The page of problems is what the code answers, and a slug means one thing wherever it is answered."""

import importlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.core import Failure
from chassis.http.problems import status_of
from tools import problems_page, tree


def failures(kind: type[Failure] = Failure) -> Iterator[type[Failure]]:
    """All that are defined in this process and have a slug."""
    for child in kind.__subclasses__():
        if hasattr(child, "slug"):
            yield child
        yield from failures(child)


@pytest.fixture
def ours(checkout: Path) -> list[type[Failure]]:
    """Those of the packages, and none that a test has made up."""
    for module in problems_page.modules(checkout):
        importlib.import_module(module)
    return [found for found in failures() if found.__module__.split(".")[0] in tree.packages(checkout)]


def test_the_page_of_problems_is_fresh(checkout: Path) -> None:
    fresh = problems_page.page(checkout)
    assert (checkout / problems_page.PAGE).read_text() == fresh, "write it: .venv/bin/python -m tools.problems_page"


def test_every_slug_of_a_failure_stands_on_the_page(checkout: Path, ours: list[type[Failure]]) -> None:
    shown = (checkout / problems_page.PAGE).read_text()
    assert len(ours) > 50
    assert [found.slug for found in ours if f"| `{found.slug}` |" not in shown] == []


def test_a_slug_has_one_status_and_one_title(ours: list[type[Failure]]) -> None:
    meanings = defaultdict[str, set[tuple[int, str]]](set)
    for found in ours:
        meanings[found.slug].add((status_of(found), found.title))
    assert [slug for slug, meaning in meanings.items() if len(meaning) > 1] == []
