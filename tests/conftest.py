"""What all tests that span services share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .stack import Stack


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder of this checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def stacks() -> Iterator[list[Stack]]:
    """Those that tests share, ended with the session: one at most, none before its first use."""
    Stack.sweep()
    running: list[Stack] = []
    yield running
    for one in running:
        one.stop()


@pytest.fixture(scope="session")
def stack(stacks: list[Stack]) -> Stack:
    """The whole system, running; started at its first use, about ten seconds."""
    stacks.append(Stack.of_this_process())
    stacks[0].start(for_tests=True)
    return stacks[0]
