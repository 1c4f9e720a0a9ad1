"""One test's own sample service: a database made from a template, topics under a namespace of their own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text

from chassis.component import Component
from chassis.core import Actor, Ok, Result, new_id
from chassis.database import Database, driver
from chassis.kafka.connection import Kafka
from chassis.kafka.consumer import Consumer, on
from chassis.kafka.messaging import consuming
from chassis.operations.audit import connect
from chassis.outbox.backlog import Backlog, Limit
from chassis.outbox.notifier import Notifier
from chassis.outbox.relay import Relay
from chassis.outbox.store import OutboxStore
from chassis.settings import ServiceSettings
from chassis.snapshots.publisher import SnapshotPublisher
from chassis.snapshots.rebuilder import Rebuilds
from chassis.snapshots.rebuilds import Mode, Rebuild, ask, find
from chassis.snapshots.requests import requests_consumer
from chassis.testing.waiting import eventually
from chassis.use_case import Context, Runner

from .copies import source
from .events import THINGS, ThingMade, ThingRenamed
from .service import Make, Noting, SampleTransaction, Thing, make, rename
from .topics import Message, Topics

UseCase = Callable[[SampleTransaction, Make], Awaitable[Result[Thing]]]


@dataclass
class Stage:
    """What a process of the sample service consists of, and how a test looks at it from outside."""

    environment: dict[str, str]
    org_id: UUID = field(default_factory=new_id)

    @cached_property
    def settings(self) -> ServiceSettings:
        values = {name.removeprefix("STOA_").lower(): value for name, value in self.environment.items()}
        return ServiceSettings.model_validate({"http_port": 1, "metrics_port": 1, "jwks_url": "http://none", **values})

    @cached_property
    def database(self) -> Database:
        return Database(self.settings.database_dsn.get_secret_value(), application="sample")

    @cached_property
    def system(self) -> Database:
        return Database(self.system_dsn, application="sample.test", pool_size=3)

    @property
    def system_dsn(self) -> str:
        return self.settings.database_system_dsn.get_secret_value()

    @cached_property
    def outbox(self) -> OutboxStore:
        return OutboxStore()

    @cached_property
    def runner(self) -> Runner[SampleTransaction]:
        return Runner(self.database, self.outbox, SampleTransaction)

    @cached_property
    def kafka(self) -> Kafka:
        return Kafka.of(self.settings, client_id="sample")

    @cached_property
    def topics(self) -> Topics:
        """The topics from outside."""
        return Topics(self.kafka)

    async def close(self) -> None:
        await self.topics.close()
        await self.database.close()
        await self.system.close()

    def relay(self) -> Relay:
        return Relay(self.system_dsn, self.kafka, self.outbox, service="sample")

    def notifier(self) -> Notifier:
        return Notifier(self.database.dsn, self.outbox, service="sample")

    def backlog(self, rows: int = 1_000_000, size: int = 2_000_000_000) -> Backlog:
        return Backlog(self.system_dsn, self.outbox, Limit(rows, size), service="sample")

    def consuming(self, *consumers: Consumer[SampleTransaction]) -> list[Component]:
        return consuming("sample", self.system_dsn, self.kafka, self.runner, consumers)

    def copying(self, *consumers: Consumer[SampleTransaction]) -> list[Component]:
        """The service as owner and as reader: all that a snapshot passes through."""
        return [*self.owning(), *self.consuming(*consumers), self.rebuilding(*consumers)]

    def owning(self) -> list[Component]:
        """What answers to a wish for a snapshot, with the relay that carries the wish."""
        kafka, hears = self.kafka, requests_consumer("testing", [source()])
        return [
            self.relay(),
            *consuming("testing", self.system_dsn, kafka, self.runner, [hears]),
            SnapshotPublisher("testing", self.system, kafka, [source()]),
        ]

    def rebuilding(self, *consumers: Consumer[SampleTransaction]) -> Component:
        return Rebuilds("sample", self.system, self.kafka, self.runner, consumers)

    async def ask(self, mode: Mode, consumer: str = "sample.copies") -> UUID:
        async with self.system.system_transaction() as connection:
            return await ask(await driver(connection), consumer, THINGS.name, mode)

    async def until_ended(self, rebuild_id: UUID, *, within: float = 20) -> Rebuild:
        """Waits until a rebuild has ended, well or badly."""

        async def ended() -> Rebuild | None:
            async with self.system.system_transaction() as connection:
                found = await find(await driver(connection), rebuild_id)
            return found if found is not None and found.ended_at is not None else None

        found = await eventually(ended, within=within)
        assert found is not None
        return found

    async def copies(self) -> dict[UUID, str]:
        return {row.id: row.name for row in await self.rows("SELECT id, name FROM copies")}

    async def until_copies(self, expected: Mapping[UUID, str]) -> None:
        async def equal() -> bool:
            return await self.copies() == expected

        await eventually(equal)

    def context(self, org_id: UUID | None = None) -> Context:
        return Context(actor=Actor.user(new_id()), org_id=org_id or self.org_id, role=None, correlation_id=new_id())

    async def run(self, use_case: UseCase, name: str, thing_id: UUID | None = None) -> Result[Thing]:
        return await self.runner.run(self.context(), use_case, Make(thing_id or new_id(), name))

    async def make(self, name: str, thing_id: UUID | None = None) -> UUID:
        """Makes a thing and answers its id."""
        thing_id = thing_id or new_id()
        assert isinstance(await self.run(make, name, thing_id), Ok)
        return thing_id

    async def rename(self, thing_id: UUID, name: str) -> None:
        assert isinstance(await self.run(rename, name, thing_id), Ok)

    def fact(self, thing_id: UUID, sequence: int, name: str | None = None) -> Message:
        """An event of a thing that another service owns, as its relay would send it. Its name: its sequence."""
        event = ThingMade if sequence == 1 else ThingRenamed
        told = event(thing_id=thing_id, name=name or str(sequence))
        return Message.of(told, key=str(thing_id), org_id=self.org_id, sequence=sequence)

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        """What the database holds, past row security."""
        async with self.system.system_transaction() as connection:
            return list(await connection.execute(text(statement), values))

    async def execute(self, statement: str, **values: Any) -> None:
        async with self.system.system_transaction() as connection:
            await connection.execute(text(statement), values)

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[Any]:
        """An operator's connection: asyncpg's, under the system role."""
        connection = await connect(self.system_dsn)
        yield connection
        await connection.close()

    async def as_owner(self, statement: str) -> None:
        """Runs a statement as the owner of the tables."""
        owner = await asyncpg.connect(self.environment["STOA_DATABASE_OWNER_DSN"])
        await owner.execute(statement)
        await owner.close()

    async def effects(self, consumer: str, thing_id: UUID | None = None) -> list[str]:
        """The names that a consumer noted, in order."""
        rows = await self.rows(
            "SELECT name FROM effects WHERE consumer = :consumer AND (CAST(:id AS uuid) IS NULL OR thing_id = :id)"
            " ORDER BY id",
            consumer=consumer,
            id=thing_id,
        )
        return [row.name for row in rows]

    async def until_effects(
        self, consumer: str, expected: list[str], thing_id: UUID | None = None, *, within: float = 20
    ) -> None:
        """Waits until a consumer has noted these names, in this order, and no other."""

        async def come() -> bool:
            found = await self.effects(consumer, thing_id)
            assert len(found) <= len(expected), found
            return found == expected

        await eventually(come, within=within)

    async def letters(self, consumer: str = "sample.copies") -> list[Any]:
        """What is parked for a consumer, in order."""
        statement = "SELECT * FROM dead_letters WHERE consumer = :consumer ORDER BY key, sequence, id"
        return await self.rows(statement, consumer=consumer)

    async def until_parked(self, count: int, consumer: str = "sample.copies") -> list[Any]:
        async def parked() -> bool:
            return len(await self.letters(consumer)) == count

        await eventually(parked)
        return await self.letters(consumer)

    async def hurry(self) -> None:
        """Lets all waiting retries be due, as if their time had passed."""
        await self.execute("UPDATE dead_letters SET retry_at = now() WHERE retry_at IS NOT NULL")

    async def give_up(self) -> None:
        """Lets the span of all retries be over, as if its 30 s had passed."""
        await self.execute("UPDATE dead_letters SET retry_until = now(), retry_at = least(retry_at, now())")

    async def until_sent(self) -> None:
        """Waits until nothing is left in the outbox."""

        async def empty() -> bool:
            return await self.rows("SELECT 1 FROM outbox WHERE sent_at IS NULL") == []

        await eventually(empty)

    async def until_read(self, consumer: str, topic: str = THINGS.name) -> None:
        """Waits until the committed offsets of a consumer are at the end of the topic's log."""

        async def at_end() -> bool:
            return await self.topics.lag(consumer, topic) == 0

        await eventually(at_end)


def noting(name: str = "sample.copies") -> Consumer[SampleTransaction]:
    """A consumer that leaves one row per event of a thing."""
    return Consumer(name, [on(ThingMade, Noting(name)), on(ThingRenamed, Noting(name))])
