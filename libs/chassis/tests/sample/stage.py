"""One test's own sample service: a database made from a template, topics under a namespace of their own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.component import Component
from chassis.core import Actor, Ok, Result, new_id
from chassis.database import Database
from chassis.kafka.connection import Kafka
from chassis.kafka.consumer import Consumer, on
from chassis.kafka.messaging import consuming
from chassis.outbox.relay import Relay
from chassis.outbox.store import OutboxStore
from chassis.settings import ServiceSettings
from chassis.use_case import Context, Runner

from .events import ThingMade, ThingRenamed
from .service import Make, Noting, SampleTransaction, Thing, make, rename


@dataclass(frozen=True)
class Stage:
    environment: dict[str, str]
    settings: ServiceSettings
    database: Database
    system: Database
    outbox: OutboxStore
    runner: Runner[SampleTransaction]
    kafka: Kafka
    org_id: UUID

    @classmethod
    def of(cls, environment: dict[str, str]) -> "Stage":
        settings = ServiceSettings.model_validate(
            {name.removeprefix("STOA_").lower(): value for name, value in environment.items()}
            | {"http_port": 1, "metrics_port": 1, "jwks_url": "http://nowhere"}
        )
        database = Database(settings.database_dsn.get_secret_value(), application="sample")
        system = Database(settings.database_system_dsn.get_secret_value(), application="sample.system", pool_size=3)
        outbox = OutboxStore()
        runner = Runner(database, outbox, SampleTransaction)
        kafka = Kafka.of(settings, client_id="sample")
        return cls(environment, settings, database, system, outbox, runner, kafka, new_id())

    async def close(self) -> None:
        await self.database.close()
        await self.system.close()

    @property
    def system_dsn(self) -> str:
        return self.settings.database_system_dsn.get_secret_value()

    def relay(self) -> Relay:
        return Relay(self.system_dsn, self.kafka, self.outbox, service="sample")

    def consuming(self, *consumers: Consumer[SampleTransaction]) -> list[Component]:
        return consuming("sample", self.system_dsn, self.kafka, self.runner, consumers)

    def context(self, org_id: UUID | None = None) -> Context:
        return Context(actor=Actor.user(new_id()), org_id=org_id or self.org_id, role=None, correlation_id=new_id())

    async def make(self, name: str, thing_id: UUID | None = None) -> UUID:
        """Makes a thing and answers its id."""
        return await self._run(make, Make(thing_id or new_id(), name))

    async def rename(self, thing_id: UUID, name: str) -> UUID:
        return await self._run(rename, Make(thing_id, name))

    async def _run(
        self, use_case: Callable[[SampleTransaction, Make], Awaitable[Result[Thing]]], command: Make
    ) -> UUID:
        done = await self.runner.run(self.context(), use_case, command)
        assert isinstance(done, Ok), done
        return command.thing_id

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        """What the database holds, past row security."""
        async with self.system.system_transaction() as connection:
            return list(await connection.execute(text(statement), values))

    async def effects(self, consumer: str, thing_id: UUID | None = None) -> list[str]:
        """The names that a consumer noted, in order."""
        rows = await self.rows(
            "SELECT name FROM effects WHERE consumer = :consumer AND (CAST(:id AS uuid) IS NULL OR thing_id = :id)"
            " ORDER BY id",
            consumer=consumer,
            id=thing_id,
        )
        return [row.name for row in rows]


def noting(name: str) -> Consumer[SampleTransaction]:
    """A consumer that leaves one row per event of a thing."""
    return Consumer(name, [on(ThingMade, Noting(name)), on(ThingRenamed, Noting(name))])
