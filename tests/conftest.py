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
def stack() -> Iterator[Stack]:
    """The whole system, running; started at its first use, about ten seconds, and ended with the session."""
    Stack.sweep()
    running = Stack.of_this_process()
    try:
        running.start()
        yield running
    finally:
        running.stop()
