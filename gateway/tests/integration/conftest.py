import asyncio
from collections.abc import AsyncIterator

import pytest

from chassis.core import new_id
from chassis.kafka.connection import Kafka
from chassis.testing.tokens import TestKeys, a_caller
from chassis.testing.topics import topics_on
from chassis.testing.waiting import eventually
from contracts.gateway.topics import FEED
from local_stack.backends import Backends

from ..feed_stage import Publisher
from ..stage import FakeService, Replica, replica, serving, settings_for

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[tuple[FakeService, str]]:
    """The fake service and its address."""
    service = FakeService()
    async with serving(service) as address:
        yield service, address


@pytest.fixture
def service(served: tuple[FakeService, str]) -> FakeService:
    """The service behind the gateways, as if new."""
    served[0].seen.clear()
    served[0].handlers.clear()
    return served[0]


@pytest.fixture(scope="module")
async def gateway(served: tuple[FakeService, str]) -> AsyncIterator[Replica]:
    """A gateway without a broker, in front of the fake service."""
    async with replica(settings_for(served[1]), TestKeys()) as running:
        yield running


@pytest.fixture
def signed_in(gateway: Replica) -> dict[str, str]:
    """The headers of a request of somebody with a good token."""
    return gateway.keys.headers(a_caller())


@pytest.fixture(scope="module")
async def kafka_settings(backends: Backends) -> AsyncIterator[dict[str, str]]:
    """The gateway's user on a real broker, with topics of this run's own."""
    environment = await asyncio.to_thread(backends.service_environment, "gateway", namespace=f"g{new_id().hex}-")
    names = ("kafka_bootstrap", "kafka_username", "kafka_password", "kafka_namespace")
    values = {name: environment[f"STOA_{name.upper()}"] for name in names}
    kafka = Kafka.of(settings_for(NOWHERE, **values), client_id="test")
    async with topics_on(kafka, but=FEED):
        yield values


@pytest.fixture(scope="module")
async def publisher(kafka_settings: dict[str, str]) -> AsyncIterator[Publisher]:
    async with Publisher.to(Kafka.of(settings_for(NOWHERE, **kafka_settings), client_id="test")) as made:
        yield made


@pytest.fixture(scope="module")
async def gateway_on_kafka(served: tuple[FakeService, str], kafka_settings: dict[str, str]) -> AsyncIterator[Replica]:
    """A whole gateway: hub and feed worker."""
    async with replica(settings_for(served[1], **kafka_settings), TestKeys()) as gateway:
        await eventually(gateway.healthy, within=20)
        yield gateway


@pytest.fixture(scope="module")
async def second_replica(kafka_settings: dict[str, str], gateway_on_kafka: Replica) -> AsyncIterator[Replica]:
    """Another replica, which leaves the forwarding to the first."""
    async with replica(settings_for(NOWHERE, slot=1, **kafka_settings), gateway_on_kafka.keys, "api") as gateway:
        await eventually(gateway.healthy, within=20)
        yield gateway
