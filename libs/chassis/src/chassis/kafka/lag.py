"""How far a consumer is, asked of the broker: it tells the same at any replica, and when no consumer runs."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from chassis.database import Database
from chassis.kafka.connection import Kafka

_ANSWER_S = 5.0

log = structlog.get_logger("consumer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A consumer in one partition. `committed` None: nothing yet; the whole log then lies before it.

    `moved_at`: when the offset was committed last, as far as the committing process told it.
    """

    topic: str
    partition: int
    committed: int | None
    begin: int
    end: int
    moved_at: datetime | None

    @property
    def lag(self) -> int:
        """Records beyond the committed offset."""
        return max(self.end - max(self.committed or 0, self.begin), 0)


async def positions(kafka: Kafka, consumer: str, partitions: Iterable[TopicPartition] = ()) -> list[Position]:
    """A consumer in all partitions for which it committed something, and in `partitions`.

    Topics are contract names in what is answered, and Kafka's names in `partitions`. Raises KafkaError, and
    TimeoutError after some seconds without an answer.
    """
    async with asyncio.timeout(2 * _ANSWER_S):
        admin = kafka.admin()
        await admin.start()
        try:
            done = await admin.list_consumer_group_offsets(kafka.namespace + consumer)
        finally:
            await admin.close()
        every = sorted({*done, *partitions})
        begins, ends = await _log_offsets(kafka, every)
    found = []
    for one in every:
        offset = done[one].offset if one in done and done[one].offset >= 0 else None
        moved_at = _moment(done[one].metadata) if one in done else None
        place = (kafka.contract_topic(one.topic), one.partition)
        found.append(
            Position(
                topic=place[0],
                partition=place[1],
                committed=offset,
                begin=begins[one],
                end=ends[one],
                moved_at=moved_at,
            )
        )
    return found


async def lag_of(kafka: Kafka, database: Database, consumer: str, partitions: Iterable[TopicPartition]) -> int | None:
    """How many records of `partitions` wait; None when broker or database do not answer, asked on new connections."""
    wanted = {(kafka.contract_topic(one.topic), one.partition) for one in partitions}
    try:
        async with asyncio.timeout(_ANSWER_S):
            connection = await asyncpg.connect(database.dsn, timeout=_ANSWER_S)
            await connection.execute("SELECT 1")
            await connection.close()
        found = await positions(kafka, consumer, partitions)
    except (KafkaError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.info("progress-unknown", consumer=consumer, error=type(error).__name__)
        return None
    return sum(one.lag for one in found if (one.topic, one.partition) in wanted)


async def _log_offsets(
    kafka: Kafka, partitions: list[TopicPartition]
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    if not partitions:
        return {}, {}
    client = AIOKafkaConsumer(**kafka.connection_settings, enable_auto_commit=False)
    await client.start()
    try:
        return await client.beginning_offsets(partitions), await client.end_offsets(partitions)
    finally:
        await client.stop()


def _moment(metadata: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(metadata or "")
    except ValueError:
        return None
