"""What stands in the topics, read as any stranger with a Kafka client would: without a group, without our own code."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from .stack import PATIENCE_S, NotInTime, Stack

PLANTED = b"planted-"
"""With this the keys begin of records that a test has planted as no service would write them."""

Record: TypeAlias = "ConsumerRecord[bytes | None, bytes | None]"


async def records(stack: Stack, topics: Iterable[str]) -> list[Record]:
    """Everything that stands in these topics now, in order per partition, but for what was planted."""
    async with AIOKafkaConsumer(*topics, **_settings(stack)) as consumer:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
        found: list[Record] = []
        async with asyncio.timeout(PATIENCE_S):
            while any([await consumer.position(partition) < end for partition, end in ends.items()]):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    found += [one for one in batch if not _is_planted(one)]
        return found


async def record(stack: Stack, topic: str, wanted: Callable[[Record], bool]) -> Record:
    """The first record of the topic that is wanted, waited for. Raises NotInTime."""
    try:
        async with asyncio.timeout(PATIENCE_S), AIOKafkaConsumer(topic, **_settings(stack)) as consumer:
            while True:
                found: Record = await consumer.getone()
                if not _is_planted(found) and wanted(found):
                    return found
    except TimeoutError:
        raise NotInTime(f"no such record in {topic}") from None


def headers(found: Record) -> dict[str, str]:
    """The headers of a record as text."""
    return {name: value.decode() for name, value in found.headers}


def _is_planted(found: Record) -> bool:
    return (found.key or b"").startswith(PLANTED)


def _settings(stack: Stack) -> dict[str, Any]:
    return {**stack.kafka, "auto_offset_reset": "earliest", "enable_auto_commit": False}
