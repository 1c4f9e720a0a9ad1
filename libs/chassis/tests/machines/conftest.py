from collections.abc import AsyncIterator

import asyncpg
import pytest

from chassis.logging import set_up_logging
from local_stack.backends import Backends

from ..sample.databases import copy_of
from ..sample.stage import Stage


@pytest.fixture(scope="session", autouse=True)
def logs() -> None:
    """As in a process that serves."""
    set_up_logging("sample", "info")


@pytest.fixture
async def stage(backends: Backends, template: dict[str, str]) -> AsyncIterator[Stage]:
    """A sample service without topics. Whoever waits for each other there is parted at once, not after a second."""
    async with copy_of(backends, template) as environment:
        made = Stage(environment)
        admin = await asyncpg.connect(backends.addresses.postgres_admin_dsn)
        await admin.execute(f"ALTER DATABASE {made.database.dsn.rpartition('/')[2]} SET deadlock_timeout = '20ms'")
        await admin.close()
        yield made
        await made.close()
