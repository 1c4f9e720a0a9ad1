from fnmatch import fnmatch
from pathlib import Path

from .points import ELSEWHERE, SWEPT, named_in


def test_every_crash_point_of_the_code_is_swept(checkout: Path) -> None:
    named = set(named_in(checkout)) - set(ELSEWHERE)
    assert len(named) > 20
    assert [name for name in named if not any(fnmatch(point, name) for point in SWEPT)] == []


def test_the_sweep_knows_no_point_that_is_not_in_the_code(checkout: Path) -> None:
    named = set(named_in(checkout))
    assert [point for point in SWEPT if not any(fnmatch(point, name) for name in named)] == []
