"""A database of this suite on the real PostgreSQL, for the tests that need one."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chassis.core import new_id
from chassis.database import Database
from chassis.migrations import upgrade
from local_stack.backends import Backends

MIGRATIONS = Path(__file__).parent.parent / "migrations"


@pytest.fixture(scope="session")
def environment() -> Iterator[dict[str, str]]:
    """The settings of a migrated service with a database of its own."""
    name = f"agent_{new_id().hex}"
    with Backends() as backends:
        settings = backends.service_environment("agent", namespace=f"{name}.", database=name)
        upgrade(
            MIGRATIONS,
            owner_dsn=settings["STOA_DATABASE_OWNER_DSN"],
            dsn=settings["STOA_DATABASE_DSN"],
            system_dsn=settings["STOA_DATABASE_SYSTEM_DSN"],
        )
        yield settings
        backends.drop_database(name)


@pytest.fixture(scope="session")
async def database(environment: dict[str, str]) -> AsyncIterator[Database]:
    """The pool of the running role."""
    database = Database(environment["STOA_DATABASE_DSN"], application="agent-tests")
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def system(environment: dict[str, str]) -> AsyncIterator[Database]:
    """The pool of the system role, which sees all rows: for tests to look."""
    database = Database(environment["STOA_DATABASE_SYSTEM_DSN"], application="agent-tests-system")
    yield database
    await database.close()
