"""Everything that the system holds at one moment: all tables of all databases, all records of all topics."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition

from contracts.registry import all_topics

from ..records import PLANTED as PLANTED_BYTES
from ..stack import Stack

Row = dict[str, Any]
"""A row by column: UUIDs as text, JSON decoded."""

PLANTED = PLANTED_BYTES.decode()

TOPICS = tuple(topic.name for topic in all_topics())
_READING_S = 60.0


@dataclass(frozen=True)
class Record:
    """A record of a topic. `headers` as text; what is no UTF-8 is shown escaped. `at`: when it was sent, in seconds."""

    topic: str
    partition: int
    offset: int
    key: str
    headers: dict[str, str]
    value: bytes
    at: float = 0.0

    @property
    def position(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def event_id(self) -> str:
        return self.headers.get("ce_id", self.position)

    @property
    def kind(self) -> str:
        return self.headers.get("ce_type", "")

    @property
    def sequence(self) -> int | None:
        told = self.headers.get("ce_sequence", "")
        return int(told) if told.isdigit() else None

    @property
    def is_planted(self) -> bool:
        return self.key.startswith(PLANTED)

    @cached_property
    def data(self) -> dict[str, Any]:
        """The decoded value."""
        found: dict[str, Any] = json.loads(self.value)
        return found


@dataclass(frozen=True)
class Dump:
    """Tables by service and name, records by topic in order of partition and offset."""

    tables: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    topics: dict[str, list[Record]] = field(default_factory=dict)

    def rows(self, service: str, table: str) -> list[Row]:
        """Empty where there is no such table."""
        return self.tables.get(service, {}).get(table, [])

    def records(self, topic: str) -> list[Record]:
        """Those that services sent."""
        return [record for record in self.topics.get(topic, []) if not record.is_planted]


async def dump(stack: Stack) -> Dump:
    """Reads all; the system should be quiet meanwhile."""
    services = stack.plan.services
    tables = await asyncio.gather(*(_tables(stack, service) for service in services))
    return Dump(dict(zip(services, tables, strict=True)), await _topics(stack))


async def connect(stack: Stack, service: str) -> Any:
    """A connection to a service's database that sees all tenants."""
    return await asyncpg.connect(stack.settings_of(service)["STOA_DATABASE_SYSTEM_DSN"], timeout=5)


async def _tables(stack: Stack, service: str) -> dict[str, list[Row]]:
    connection = await connect(stack, service)
    try:
        for name in ("json", "jsonb"):
            await connection.set_type_codec(name, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        await connection.set_type_codec("uuid", encoder=str, decoder=str, schema="pg_catalog", format="text")
        names = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            " AND has_table_privilege(oid, 'SELECT') AND relname <> 'alembic_version'"
        )
        found = {}
        for (name,) in names:
            found[name] = [dict(row) for row in await connection.fetch(f'SELECT * FROM "{name}"')]
        return found
    finally:
        await connection.close()


async def _topics(stack: Stack) -> dict[str, list[Record]]:
    found = defaultdict[str, list[Record]](list)
    settings = {**stack.kafka, "auto_offset_reset": "earliest", "enable_auto_commit": False}
    async with asyncio.timeout(_READING_S), AIOKafkaConsumer(*TOPICS, **settings) as consumer:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                for one in batch:
                    found[one.topic].append(_record(one))
    for records in found.values():
        records.sort(key=lambda record: (record.partition, record.offset))
    return dict(found)


def _record(one: Any) -> Record:
    headers = {name: (value or b"").decode(errors="backslashreplace") for name, value in one.headers}
    key = (one.key or b"").decode(errors="backslashreplace")
    return Record(one.topic, one.partition, one.offset, key, headers, one.value or b"", one.timestamp / 1000)


async def lags(stack: Stack, readers: Iterable[tuple[str, str]], last: Mapping[TopicPartition, int]) -> dict[str, int]:
    """How far each group (consumer, topic) is behind `last`; those that are there are left out."""
    wanted = defaultdict[str, set[str]](set)
    for consumer, topic in readers:
        wanted[consumer].add(topic)
    admin = AIOKafkaAdminClient(**stack.kafka)
    await admin.start()
    try:
        found = dict[str, int]()
        for group, topics in wanted.items():
            committed = await admin.list_consumer_group_offsets(group)
            for partition, end in last.items():
                at = committed[partition].offset if partition in committed else 0
                if partition.topic in topics and end > max(at, 0):
                    found[f"{group} {partition.topic}/{partition.partition}"] = end - max(at, 0)
        return found
    finally:
        await admin.close()


async def ends(stack: Stack, topics: Iterable[str] = TOPICS) -> dict[TopicPartition, int]:
    """The offset behind the last record of each partition."""
    async with AIOKafkaConsumer(*topics, **stack.kafka) as consumer:
        found: dict[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
        return found
