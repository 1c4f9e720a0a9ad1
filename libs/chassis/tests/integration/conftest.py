from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chassis.kafka.topics import create_topics, delete_topics
from chassis.logging import set_up_logging
from chassis.testing.snapshots import looks_at_once
from local_stack.backends import Backends

from ..sample.databases import copy_of
from ..sample.events import TOPICS
from ..sample.own_broker import OwnBroker
from ..sample.stage import Stage


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
    async with copy_of(backends, template) as environment:
        made = Stage(environment)
        await create_topics(made.kafka, TOPICS)
        yield made
        await made.close()
        await delete_topics(made.kafka, TOPICS)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[OwnBroker]:
    made = OwnBroker(tmp_path)
    await made.start()
    yield made
    made.kill()
