"""What the tests against servers share."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from local_stack.backends import Backends

from .sample.process import migrate


@pytest.fixture(scope="session")
def template(backends: Backends) -> Iterator[dict[str, str]]:
    """The settings of a migrated database, which each test copies."""
    database = f"sample_{uuid4().hex[:8]}"
    environment = backends.service_environment("sample", database=database)
    migrate(environment)
    yield environment
    backends.drop_database(database)
