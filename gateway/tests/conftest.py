from collections.abc import Iterator

import pytest

from local_stack.backends import Backends


@pytest.fixture(scope="session")
def backends() -> Iterator[Backends]:
    with Backends() as running:
        yield running
