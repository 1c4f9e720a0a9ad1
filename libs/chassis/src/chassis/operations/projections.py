"""What this service keeps of others, for a person: how it stands, and wishes to rebuild, check or seed it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from aiokafka.errors import KafkaError

from chassis.core import Err, Failure, Kind, Ok, Result
from chassis.kafka.connection import Kafka
from chassis.kafka.consumer import Consumer
from chassis.kafka.lag import partitions, positions
from chassis.snapshots.rebuilder import snapshots_for
from chassis.snapshots.rebuilds import Mode, Rebuild, ask, find, last_ones


@dataclass(frozen=True)
class NoProjection(Failure):
    """No consumer of that name reads aggregates whose owner makes snapshots."""

    consumer: str
    slug: ClassVar[str] = "no-projection"
    kind: ClassVar[Kind] = Kind.NOT_FOUND
    title: ClassVar[str] = "There is no such projection"

    @property
    def detail(self) -> str:
        return f"No consumer {self.consumer} of this service reads aggregates of which there are snapshots."


@dataclass(frozen=True)
class OnlySeeds(Failure):
    """Rebuilding it would lose or repeat what it did."""

    consumer: str
    slug: ClassVar[str] = "only-seeds"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "This consumer cannot be rebuilt or checked"

    @property
    def detail(self) -> str:
        return f"{self.consumer} acts, or keeps more than the last state: it has no table that a snapshot could make."


@dataclass(frozen=True)
class NoRebuild(Failure):
    rebuild_id: UUID
    slug: ClassVar[str] = "no-rebuild"
    kind: ClassVar[Kind] = Kind.NOT_FOUND
    title: ClassVar[str] = "There is no such rebuild"

    @property
    def detail(self) -> str:
        return f"There is no rebuild, check or seed {self.rebuild_id}."


@dataclass(frozen=True, slots=True)
class Projected:
    """A consumer that snapshots are of use to. `table`, `rows`: None where it only seeds.

    `lag`: events of its topic that it has not committed; None while the broker does not answer. `last`: its newest
    rebuild, check or seed.
    """

    consumer: str
    topic: str
    table: str | None
    rows: int | None
    lag: int | None
    last: Rebuild | None


@dataclass(frozen=True)
class Projections:
    """The consumers of a service that snapshots are of use to. `connection` is asyncpg's, under the system role."""

    consumers: Mapping[str, Consumer[Any]]

    @classmethod
    def of(cls, consumers: Sequence[Consumer[Any]]) -> "Projections":
        served = snapshots_for(consumers)
        return cls({one.name: one for one in sorted(consumers, key=lambda one: one.name) if one.name in served})

    async def listed(self, connection: Any, kafka: Kafka) -> list[Projected]:
        """All of them, by name."""
        last = await last_ones(connection, list(self.consumers))
        lags = await _lags(kafka, self.consumers)
        found = []
        for name, consumer in self.consumers.items():
            table = consumer.projects.table if consumer.projects is not None else None
            # The name of a table is the service's own, declared with its consumer.
            rows = await connection.fetchval(f"SELECT count(*) FROM {table}") if table else None  # noqa: S608
            found.append(Projected(name, _topic(consumer), table, rows, lags.get(name), last.get(name)))
        return found

    async def ask(self, connection: Any, consumer: str, mode: Mode) -> Result[UUID]:
        """Notes the wish in the caller's transaction. Refused: NoProjection, OnlySeeds."""
        found = self.consumers.get(consumer)
        if found is None:
            return Err(NoProjection(consumer))
        if found.projects is None and mode is not Mode.SEED:
            return Err(OnlySeeds(consumer))
        return Ok(await ask(connection, consumer, _topic(found), mode))


async def rebuild(connection: Any, id_: UUID) -> Result[Rebuild]:
    """One rebuild, check or seed. Refused: NoRebuild."""
    found = await find(connection, id_)
    return Ok(found) if found is not None else Err(NoRebuild(id_))


def _topic(consumer: Consumer[Any]) -> str:
    return consumer.source.name if consumer.source is not None else ""


async def _lags(kafka: Kafka, consumers: Mapping[str, Consumer[Any]]) -> dict[str, int]:
    """By consumer, how many events it has not committed; nothing while the broker does not answer."""
    sources = {name: one.source.name for name, one in consumers.items() if one.source is not None}
    try:
        there = await partitions(kafka, set(sources.values()))
        found = await positions(kafka, {name: there[source] for name, source in sources.items()})
    except (KafkaError, OSError, TimeoutError):
        return {}
    return {name: sum(one.lag for one in found[name] if one.topic == source) for name, source in sources.items()}
