"""What the tests of all packages share."""

from collections.abc import Iterator

import pytest

from local_stack.backends import Backends


@pytest.fixture(scope="session")
def backends() -> Iterator[Backends]:
    """PostgreSQL and Kafka: the environment's, those that run already, else a pair that ends with the session."""
    with Backends() as running:
        yield running
