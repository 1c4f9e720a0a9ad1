from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from chassis.kafka.topics import create_topics, delete_topics
from chassis.logging import set_up_logging
from chassis.testing.snapshots import looks_at_once
from local_stack.backends import Backends

from ..sample.events import TOPICS
from ..sample.own_broker import OwnBroker
from ..sample.process import migrate
from ..sample.stage import Stage


@pytest.fixture(scope="session")
def template(backends: Backends) -> Iterator[dict[str, str]]:
    """The settings of a migrated database, which each test copies."""
    database = f"sample_{uuid4().hex[:8]}"
    environment = backends.service_environment("sample", database=database)
    migrate(environment)
    yield environment
    backends.drop_database(database)


@pytest.fixture(scope="session", autouse=True)
def logs() -> None:
    """As in a process that serves."""
    set_up_logging("sample", "info")


@pytest.fixture(scope="session", autouse=True)
def no_pauses() -> Iterator[None]:
    """Who looks for rebuilds and requests of snapshots looks all the time."""
    with looks_at_once():
        yield


@pytest.fixture
async def stage(backends: Backends, template: dict[str, str]) -> AsyncIterator[Stage]:
    """A sample service of this test's own, with empty tables and topics."""
    original = template["STOA_DATABASE_DSN"].rpartition("/")[2]
    copy = f"{original}_{uuid4().hex[:8]}"
    admin = await asyncpg.connect(backends.addresses.postgres_admin_dsn)
    await admin.execute(f"CREATE DATABASE {copy} TEMPLATE {original} OWNER sample_owner")
    environment = {name: value.replace(f"/{original}", f"/{copy}") for name, value in template.items()}
    made = Stage({**environment, "STOA_KAFKA_NAMESPACE": f"{copy}-"})
    await create_topics(made.kafka, TOPICS)
    yield made
    await made.close()
    await delete_topics(made.kafka, TOPICS)
    await admin.execute(f"DROP DATABASE {copy} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[OwnBroker]:
    made = OwnBroker(tmp_path)
    await made.start()
    yield made
    made.kill()
