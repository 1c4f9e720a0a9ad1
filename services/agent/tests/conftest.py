from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import text

from agent.container import build
from agent.settings import Settings
from chassis.database import Database
from chassis.testing.service import RunningService, Servers, settled, started

from .modules_stand_in import ModulesStandIn


@pytest.fixture(scope="module")
def stored(backends: Servers) -> Iterator[Settings]:
    """A database in which nothing runs, for the tests of what is stored in it."""
    with settled(backends, "agent", Settings) as made:
        yield made


@pytest.fixture(scope="module")
async def database(stored: Settings) -> AsyncIterator[Database]:
    """The pool of the running role."""
    database = Database(stored.database_dsn.get_secret_value(), application="agent-tests")
    yield database
    await database.close()


@pytest.fixture
async def empty_queue(database: Database) -> None:
    """One queue holds the runs of all tests: who looks at it begins by emptying it."""
    async with database.system_transaction() as connection:
        await connection.execute(text("DELETE FROM run_leases"))


@pytest.fixture(scope="module")
async def system(stored: Settings) -> AsyncIterator[Database]:
    """The pool of the system role, which sees all rows: for tests to look."""
    database = Database(stored.database_system_dsn.get_secret_value(), application="agent-tests-system")
    yield database
    await database.close()


@pytest.fixture(scope="module")
def settings(backends: Servers) -> Iterator[Settings]:
    with settled(backends, "agent", Settings) as made:
        yield made


@pytest.fixture(scope="module")
async def agent(settings: Settings) -> AsyncIterator[RunningService]:
    async with started(settings, lambda keys: build(settings, keys=keys), service="agent") as service:
        yield service


@pytest.fixture(scope="module")
async def modules(agent: RunningService) -> AsyncIterator[ModulesStandIn]:
    """The service of modules, as far as its topics go; it knows the kind `project`."""
    async with ModulesStandIn.on(agent) as stand_in:
        yield stand_in
