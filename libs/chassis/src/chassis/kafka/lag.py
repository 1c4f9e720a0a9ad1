"""How far a consumer is, asked of the broker: it tells the same at any replica, and when no consumer runs."""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from chassis.database import Database
from chassis.kafka.connection import Kafka
from chassis.kafka.progress import STUCK_S

_ANSWER_S = 5.0

log = structlog.get_logger("consumer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A consumer in one partition, whose log goes from `begin` to `end`.

    `committed` None: nothing yet, so the whole log waits. `moved_at`: when an offset was committed last, as the
    committing process told it. `stands`: what waits has waited for a minute, and nothing was committed in it.
    """

    topic: str
    partition: int
    committed: int | None
    begin: int
    end: int
    moved_at: datetime | None
    stands: bool

    @property
    def lag(self) -> int:
        """Records beyond the committed offset."""
        return max(self.end - max(self.committed or 0, self.begin), 0)


async def positions(kafka: Kafka, wanted: Mapping[str, Iterable[TopicPartition]]) -> dict[str, list[Position]]:
    """Each consumer in all partitions for which it committed something, and in those that `wanted` names for it.

    Topics are contract names in what is answered, and Kafka's names in `wanted`. Raises KafkaError, and TimeoutError
    after some seconds without an answer.
    """
    async with asyncio.timeout(2 * _ANSWER_S):
        admin = kafka.admin()
        await admin.start()
        try:
            done = {name: await admin.list_consumer_group_offsets(kafka.namespace + name) for name in wanted}
        finally:
            await admin.close()
        places = {name: sorted({*done[name], *partitions}) for name, partitions in wanted.items()}
        logs = await _logs(kafka, {one for found in places.values() for one in found})
    return {
        name: [_position(kafka, one, logs[one], done[name].get(one)) for one in found] for name, found in places.items()
    }


async def partitions(kafka: Kafka, topics: Collection[str]) -> dict[str, list[TopicPartition]]:
    """Those that the broker has, by contract name of their topic.

    Raises KafkaError, and TimeoutError after some seconds without an answer.
    """
    async with asyncio.timeout(_ANSWER_S):
        admin = kafka.admin()
        await admin.start()
        try:
            found = await admin.describe_topics([kafka.topic(name) for name in topics])
        finally:
            await admin.close()
    return {
        kafka.contract_topic(one["topic"]): [
            TopicPartition(one["topic"], each["partition"]) for each in one["partitions"]
        ]
        for one in found
    }


def _position(kafka: Kafka, partition: TopicPartition, log: "_Log", done: OffsetAndMetadata | None) -> Position:
    committed = done.offset if done is not None and done.offset >= 0 else None
    moved_at = _moment(done.metadata) if done is not None else None
    rests = moved_at is None or datetime.now(UTC) - moved_at > timedelta(seconds=STUCK_S)
    return Position(
        topic=kafka.contract_topic(partition.topic),
        partition=partition.partition,
        committed=committed,
        begin=log.begin,
        end=log.end,
        moved_at=moved_at,
        stands=rests and max(committed or 0, log.begin) < log.fresh,
    )


async def lag_of(kafka: Kafka, database: Database, consumer: str, partitions: Iterable[TopicPartition]) -> int | None:
    """How many records of `partitions` wait; None when broker or database do not answer, asked on new connections."""
    wanted = {(kafka.contract_topic(one.topic), one.partition) for one in partitions}
    try:
        async with asyncio.timeout(_ANSWER_S):
            await ask_database(database)
        found = await positions(kafka, {consumer: partitions})
    except (KafkaError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.info("progress-unknown", consumer=consumer, error=type(error).__name__)
        return None
    return sum(one.lag for one in found[consumer] if (one.topic, one.partition) in wanted)


async def ask_database(database: Database) -> None:
    """Raises what asyncpg raises when there is no answer. Not through the pool, which may be what is exhausted."""
    connection = await asyncpg.connect(database.dsn)
    try:
        await connection.execute("SELECT 1")
    finally:
        connection.terminate()


@dataclass(frozen=True, slots=True)
class _Log:
    """The offsets of a partition's log; `fresh` is the first of the last minute."""

    begin: int
    end: int
    fresh: int


async def _logs(kafka: Kafka, partitions: Collection[TopicPartition]) -> dict[TopicPartition, _Log]:
    if not partitions:
        return {}
    client = AIOKafkaConsumer(**kafka.connection_settings, enable_auto_commit=False)
    await client.start()
    try:
        begins, ends = await client.beginning_offsets(partitions), await client.end_offsets(partitions)
        since = int((time.time() - STUCK_S) * 1000)
        fresh = await client.offsets_for_times(dict.fromkeys(partitions, since))
    finally:
        await client.stop()
    return {
        one: _Log(begins[one], ends[one], found.offset if (found := fresh[one]) is not None else ends[one])
        for one in partitions
    }


def _moment(metadata: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(metadata or "")
    except ValueError:
        return None
