from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_stack.backends import Backends

from .dummies import Stack


@pytest.fixture
def stack(tmp_path: Path, backends: Backends) -> Iterator[Callable[..., Stack]]:
    """Makes a stack of dummies in a path with a space, on the servers that the tests share."""
    made: list[Stack] = []

    def make(**before_serving: str) -> Stack:
        made.append(Stack(tmp_path / "work space", backends.addresses.environment(), **before_serving))
        return made[-1]

    yield make
    for each in made:
        each.run("down")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, backends: Backends) -> Iterator[Stack]:
    """One stack that is up, for the tests that leave it so."""
    one = Stack(tmp_path_factory.mktemp("running") / "work space", backends.addresses.environment())
    started = one.run("up")
    assert started.returncode == 0, started.stdout
    yield one
    one.run("down")
