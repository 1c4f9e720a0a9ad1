from collections.abc import AsyncIterator, Iterator

import pytest

from chassis.database import Database
from chassis.testing.service import RunningService, Servers, settled, started
from modules.container import build
from modules.settings import Settings


@pytest.fixture(scope="module")
def settings(backends: Servers) -> Iterator[Settings]:
    with settled(backends, "modules", Settings) as made:
        yield made


@pytest.fixture(scope="module")
async def modules(settings: Settings) -> AsyncIterator[RunningService]:
    async with started(settings, lambda keys: build(settings, keys=keys), service="modules") as service:
        yield service


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The service's database under the role that serves."""
    made = Database(settings.database_dsn.get_secret_value(), application="modules")
    yield made
    await made.close()
