"""A service as its component tests drive it: wired by its own container, on real PostgreSQL and Kafka, in process.

Other services are stood in for by the contract events that they would publish.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID, uuid4

import httpx

from chassis.cli import migrations_of
from chassis.core import Actor, new_id
from chassis.health import Status
from chassis.http.tokens import Caller
from chassis.kafka.connection import Kafka
from chassis.logging import set_up_logging
from chassis.migrations import upgrade
from chassis.outbox.store import Outgoing
from chassis.serve import ROLES, Parts
from chassis.settings import ServiceSettings
from chassis.testing.client import client_of
from chassis.testing.tokens import TestKeys
from chassis.testing.topics import topics_on
from chassis.testing.waiting import eventually, running
from chassis.use_case import Context
from contracts.envelope import Envelope, decode
from contracts.event import Event

E = TypeVar("E", bound=Event)
S = TypeVar("S", bound=ServiceSettings)


class Servers(Protocol):
    """Where PostgreSQL and Kafka come from (`local_stack.backends.Backends`)."""

    def service_environment(
        self, service: str, *, namespace: str = "", database: str | None = None
    ) -> dict[str, str]: ...

    def drop_database(self, database: str) -> None: ...


@contextmanager
def settled(servers: Servers, service: str, settings: type[S], **more: object) -> Iterator[S]:
    """Settings of a service with a migrated database and topics of its own. `more`: settings beside the usual."""
    name = f"{service}_{uuid4().hex[:8]}"
    environment = servers.service_environment(service, namespace=f"{name}-".replace("_", "-"), database=name)
    upgrade(
        migrations_of(service),
        owner_dsn=environment["STOA_DATABASE_OWNER_DSN"],
        dsn=environment["STOA_DATABASE_DSN"],
        system_dsn=environment["STOA_DATABASE_SYSTEM_DSN"],
    )
    values = {name.removeprefix("STOA_").lower(): value for name, value in environment.items()}
    yield settings.model_validate(
        {**values, "http_port": 1, "metrics_port": 1, "jwks_url": "http://127.0.0.1:1/jwks.json", **more}
    )
    servers.drop_database(name)


@dataclass(frozen=True)
class RunningService:
    """`http` calls its routes; `publish` and `published` are the other side of its topics."""

    http: httpx.AsyncClient
    keys: TestKeys
    kafka: Kafka

    def as_(self, caller: Caller, **headers: str) -> Mapping[str, str]:
        """The headers of a request of this caller; `if_match="…"` becomes `If-Match`."""
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        return {**self.keys.headers(caller), **extra}

    async def publish(
        self,
        event: Event,
        *,
        key: UUID | str,
        org_id: UUID | None,
        sequence: int | None = None,
        actor: Actor | None = None,
        times: int = 1,
    ) -> None:
        """Puts an event on its topic, as its owner's relay would; `times`: with repeats."""
        context = Context(actor=actor or Actor.system("test"), org_id=org_id, role=None, correlation_id=new_id())
        message = Outgoing.of(event, context, key=str(key), sequence=sequence, org_id=org_id)
        producer = self.kafka.producer()
        await producer.start()
        for _ in range(times):
            await producer.send_and_wait(
                self.kafka.topic(message.topic), message.value, message.key.encode(), headers=message.headers
            )
        await producer.stop()

    async def published(
        self, kind: type[E], where: Callable[[E], bool] = lambda _: True, *, count: int = 1, within: float = 10.0
    ) -> list[tuple[Envelope, E]]:
        """Waits until the service has published `count` such events; answers all of them, in order."""
        found: list[tuple[Envelope, E]] = []
        consumer = self.kafka.tail(kind.contract.topic.name, auto_offset_reset="earliest")
        await consumer.start()
        try:
            async with asyncio.timeout(within):
                while len(found) < count:
                    for records in (await consumer.getmany(timeout_ms=100)).values():
                        for record in records:
                            envelope = Envelope.from_headers(record.headers)
                            event = decode(envelope, record.value)
                            if isinstance(event, kind) and where(event):
                                found.append((envelope, event))
        finally:
            await consumer.stop()
        return found


@asynccontextmanager
async def started(
    settings: ServiceSettings, build: Callable[[TestKeys], Parts], *, service: str
) -> AsyncIterator[RunningService]:
    """Runs the parts that `build` makes until the block ends; ready when this is entered."""
    set_up_logging(service)
    kafka = Kafka.of(settings, client_id=f"{service}-test")
    keys = TestKeys()
    parts = build(keys)
    components = parts.components(ROLES)

    async def ready() -> bool:
        return all(component.health().status is Status.HEALTHY for component in components)

    async with topics_on(kafka), running(*components):
        app = parts.app(lambda: {component.name: component.health() for component in components})
        async with client_of(app) as http:
            await eventually(ready, within=20)
            yield RunningService(http, keys, kafka)
    for close in parts.close:
        await close()
