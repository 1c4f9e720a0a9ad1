from collections.abc import AsyncIterator, Iterator

import pytest

from chassis.database import Database
from chassis.testing.service import RunningService, Servers, settled, started
from chats.container import build
from chats.settings import Settings


@pytest.fixture(scope="module")
def settings(backends: Servers) -> Iterator[Settings]:
    with settled(backends, "chats", Settings) as made:
        yield made


@pytest.fixture(scope="module")
async def chats(settings: Settings) -> AsyncIterator[RunningService]:
    async with started(settings, lambda keys: build(settings, keys=keys), service="chats") as service:
        yield service


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The service's database under the role that serves."""
    made = Database(settings.database_dsn.get_secret_value(), application="chats")
    yield made
    await made.close()
