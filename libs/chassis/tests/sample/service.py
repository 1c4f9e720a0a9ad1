"""The smallest service there can be: an aggregate `Thing`, its repository, two use cases and what consumers write."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from chassis.core import Aggregate, DomainEvent, Err, Failure, Kind, Ok, Outcome, Result
from chassis.use_case import Context, Work
from contracts.event import Event

from .events import ThingMade, ThingRenamed


@dataclass(frozen=True)
class Named(DomainEvent):
    """The thing got its name, or another one."""


@dataclass(frozen=True)
class NameIsTaboo(Failure):
    slug = "name-is-taboo"
    kind = Kind.CONFLICT
    title = "No thing may be called that"


@dataclass(kw_only=True)
class Thing(Aggregate):
    org_id: UUID
    name: str


def to_contract(thing: Thing, _: DomainEvent) -> Event:
    event = ThingMade if thing.sequence == 1 else ThingRenamed
    return event(thing_id=thing.id, name=thing.name)


class SampleTransaction:
    """Things, and the effects of consumers, over one command's work."""

    def __init__(self, work: Work) -> None:
        self.work = work

    @property
    def context(self) -> Context:
        return self.work.context

    async def store(self, thing: Thing) -> None:
        statement = text("""
            INSERT INTO things (id, org_id, name, revision, sequence) VALUES (:id, :org_id, :name, :revision, :sequence)
            ON CONFLICT (id) DO UPDATE SET name = :name, revision = :revision, sequence = :sequence
            WHERE things.sequence = :stored""")
        values = {field: getattr(thing, field) for field in ("id", "org_id", "name", "revision", "sequence")}
        stored = await self.work.connection.execute(statement, {**values, "stored": thing.stored_sequence})
        assert stored.rowcount == 1
        self.work.publish(thing, to_contract, org_id=thing.org_id)

    async def get(self, thing_id: UUID) -> Thing:
        found = await self.work.connection.execute(
            text("SELECT * FROM things WHERE id = :id FOR UPDATE"), {"id": thing_id}
        )
        return Thing(**found.one()._mapping)

    async def note(self, consumer: str, thing_id: UUID, name: str) -> None:
        statement = text("INSERT INTO effects (org_id, consumer, thing_id, name) VALUES (:org, :consumer, :id, :name)")
        values = {"org": self.context.org_id, "consumer": consumer, "id": thing_id, "name": name}
        await self.work.connection.execute(statement, values)


@dataclass(frozen=True)
class Make:
    thing_id: UUID
    name: str


async def make(tx: SampleTransaction, command: Make) -> Result[Thing]:
    thing = Thing(id=command.thing_id, org_id=tx.context.organisation, name=command.name)
    thing.record(Named())
    await tx.store(thing)
    return Err(NameIsTaboo()) if command.name == "taboo" else Ok(thing)


async def rename(tx: SampleTransaction, command: Make) -> Result[Thing]:
    thing = await tx.get(command.thing_id)
    thing.name = command.name
    thing.record(Named())
    await tx.store(thing)
    return Err(NameIsTaboo()) if command.name == "taboo" else Ok(thing)


class Noting:
    """A consumer's handler that leaves one row per call."""

    def __init__(self, consumer: str) -> None:
        self._consumer = consumer

    async def __call__(self, tx: SampleTransaction, event: ThingMade | ThingRenamed) -> Outcome:
        await tx.note(self._consumer, event.thing_id, event.name)
        return Ok(None)
