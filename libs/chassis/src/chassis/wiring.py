"""What every service's container begins with: database, outbox, Kafka and identity, made from its settings."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Generic, TypeVar

from fastapi import APIRouter
from starlette.types import ASGIApp

from chassis.component import Component
from chassis.database import Database, is_passing
from chassis.database_watch import DatabaseWatch
from chassis.housekeeping import ANSWERS, SENT, Housekeeping, Keep, applied
from chassis.http.app import create_app
from chassis.http.door import Doors
from chassis.http.identity import Identity
from chassis.http.keys import JwksClient
from chassis.http.pages import Cursors
from chassis.http.revocations import Revocations
from chassis.http.routing import Router
from chassis.http.tokens import KeySource
from chassis.kafka.connection import Kafka
from chassis.kafka.consumer import Consumer
from chassis.kafka.messaging import consuming
from chassis.kafka.revocations import RevocationTail
from chassis.operations.operator import Operators
from chassis.operations.routes import operations_routes
from chassis.outbox.backlog import Backlog, Limit
from chassis.outbox.notifier import Notifier
from chassis.outbox.relay import Relay
from chassis.outbox.store import OutboxStore
from chassis.serve import Checks, Parts
from chassis.settings import ServiceSettings
from chassis.snapshots.publisher import SnapshotPublisher
from chassis.snapshots.rebuilder import Rebuilds, snapshots_for
from chassis.snapshots.requests import requests_consumer
from chassis.snapshots.source import SnapshotSource
from chassis.use_case import HasWork, Runner, Work

Tx = TypeVar("Tx", bound=HasWork)


@dataclass
class Wiring(Generic[Tx]):
    """The singletons of a process. `bind` makes the service's transaction from the work of one command.

    `keys` stands in for auth's published keys: auth has its own, and tests bring theirs.
    """

    service: str
    settings: ServiceSettings
    bind: Callable[[Work], Tx]
    keys: KeySource | None = None

    @cached_property
    def database(self) -> Database:
        return Database(self.settings.database_dsn.get_secret_value(), application=self.service)

    @cached_property
    def system(self) -> Database:
        """The database under the role that sees all tenants: for snapshots and for what is rebuilt from them."""
        dsn = self.settings.database_system_dsn.get_secret_value()
        return Database(dsn, application=f"{self.service}.snapshots", pool_size=2)

    @cached_property
    def outbox(self) -> OutboxStore:
        return OutboxStore()

    @cached_property
    def backlog(self) -> Backlog:
        limit = Limit(self.settings.outbox_max_rows, self.settings.outbox_max_bytes)
        return Backlog(self.system.dsn, self.outbox, limit, service=self.service)

    @cached_property
    def runner(self) -> Runner[Tx]:
        return Runner(self.database, self.outbox, self.bind)

    @cached_property
    def kafka(self) -> Kafka:
        return Kafka.of(self.settings, client_id=self.service)

    @cached_property
    def revocations(self) -> Revocations:
        return Revocations()

    @cached_property
    def published_keys(self) -> JwksClient:
        return JwksClient(self.settings.jwks_url)

    @cached_property
    def identity(self) -> Identity:
        return Identity(self.keys or self.published_keys, self.revocations)

    @cached_property
    def cursors(self) -> Cursors:
        return Cursors(self.settings.keys)

    @cached_property
    def doors(self) -> Doors[Tx]:
        return Doors(self.identity, self.runner, self.cursors)

    def parts(
        self,
        *,
        description: str,
        routers: Sequence[APIRouter],
        consumers: Sequence[Consumer[Tx]] = (),
        snapshots: Sequence[SnapshotSource] = (),
        always: Sequence[Component] = (),
        workers: Sequence[Component] = (),
        keeps: Sequence[Keep] = (),
        close: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> Parts:
        """The parts of a process; what the service adds comes after the chassis' own. `keeps`: its rows that age."""
        docs = self.settings.serves_docs
        app = partial(_app, self.service, description)
        hearing = self._hearing(consumers, snapshots)
        return Parts(
            app=partial(app, [*routers, self.operations(hearing)], docs=docs),
            bare_app=partial(app, []),
            always=[*self._always(), *always],
            workers=[*self._consuming(hearing, keeps), *self._copying(consumers, snapshots), *workers],
            relay=[Relay(self.system.dsn, self.kafka, self.outbox, service=self.service)],
            close=[*close, self.database.close, self.system.close],
            consumers=hearing,
        )

    def _always(self) -> list[Component]:
        """What every process of the service runs, whatever its roles."""
        tail = RevocationTail(self.kafka, self.revocations)
        keys = [] if self.keys is not None else [self.published_keys]
        return [
            DatabaseWatch(self.database),
            Notifier(self.database.dsn, self.outbox, service=self.service),
            self.backlog,
            tail,
            *keys,
        ]

    def _hearing(self, consumers: Sequence[Consumer[Tx]], sources: Sequence[SnapshotSource]) -> list[Consumer[Tx]]:
        return [*consumers, requests_consumer(self.service, sources)] if sources else [*consumers]

    def _consuming(self, consumers: Sequence[Consumer[Tx]], keeps: Sequence[Keep]) -> list[Component]:
        housekeeping = Housekeeping(self.system, [SENT, ANSWERS, applied(consumers), *keeps])
        return [*consuming(self.service, self.system.dsn, self.kafka, self.runner, consumers), housekeeping]

    def _copying(self, consumers: Sequence[Consumer[Tx]], sources: Sequence[SnapshotSource]) -> list[Component]:
        """What makes snapshots of what this service owns, and rebuilds what it keeps of others."""
        parts: list[Component] = []
        if sources:
            parts.append(SnapshotPublisher(self.service, self.system, self.kafka, sources))
        if snapshots_for(consumers):
            parts.append(Rebuilds(self.service, self.system, self.kafka, self.runner, consumers))
        return parts

    def operations(self, consumers: Sequence[Consumer[Tx]]) -> Router:
        """The operators' routes, which every service has."""
        operators = Operators(self.identity, self.system.dsn)
        return operations_routes(self.service, operators, self.cursors, self.kafka, consumers)


def _app(
    service: str, description: str, routers: Sequence[APIRouter], checks: Checks, *, docs: bool = False
) -> ASGIApp:
    return create_app(service, routers, checks, passing=is_passing, description=description, docs=docs)
