from collections.abc import AsyncIterator, Iterator

import pytest

from auth.container import build
from auth.settings import Settings
from chassis.database import Database
from chassis.testing.service import RunningService, Servers, settled, started


@pytest.fixture(scope="module")
def settings(backends: Servers) -> Iterator[Settings]:
    with settled(backends, "auth", Settings) as made:
        yield made


@pytest.fixture(scope="module")
async def auth(settings: Settings) -> AsyncIterator[RunningService]:
    """The service; it believes its own keys, not the ones of the test."""
    async with started(settings, lambda _: build(settings), service="auth") as service:
        yield service


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The service's database under the role that serves."""
    made = Database(settings.database_dsn.get_secret_value(), application="auth")
    yield made
    await made.close()


@pytest.fixture
async def system(settings: Settings) -> AsyncIterator[Database]:
    """The same under the role that sees all rows: for tests to look and to prepare."""
    made = Database(settings.database_system_dsn.get_secret_value(), application="auth-system")
    yield made
    await made.close()
