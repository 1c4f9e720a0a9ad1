"""What all tests that span services share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.backends import Backends


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder of this checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def backends() -> Iterator[Backends]:
    """PostgreSQL and Kafka: the environment's, those that run already, else a pair that ends with the session."""
    with Backends() as running:
        yield running
