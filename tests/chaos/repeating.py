"""What has been read is read again: a group that is set back, old records that are sent once more."""

import asyncio
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from contracts.registry import all_topics

from ..stack import Stack
from .dumps import PLANTED

EMPTY_S = 20.0
"""Until the members of a group whose process was killed are forgotten."""


async def set_back(stack: Stack, group: str, by: int) -> dict[str, int]:
    """Moves a group that has no members back by so many records in each partition; where it stands now."""
    wanted = [TopicPartition(topic.name, number) for topic in all_topics() for number in range(topic.partitions)]
    async with asyncio.timeout(EMPTY_S), AIOKafkaConsumer(**_reading(stack), group_id=group) as consumer:
        consumer.assign(wanted)
        moved = {one: at - by for one in wanted if (at := await consumer.committed(one)) and at > 0}
        moved = {one: max(at, 0) for one, at in moved.items()}
        while moved:
            with suppress(KafkaError):
                await consumer.commit(moved)
                break
            await asyncio.sleep(0.5)
        return {f"{one.topic}/{one.partition}": at for one, at in moved.items()}


async def send_again(stack: Stack, topic: str) -> int:
    """Sends some of the oldest records of a topic once more, behind newer ones; how many."""
    again = []
    async with asyncio.timeout(EMPTY_S), AIOKafkaConsumer(topic, **_reading(stack)) as consumer:
        for batch in (await consumer.getmany(timeout_ms=2000, max_records=50)).values():
            again += [one for one in batch if not (one.key or b"").startswith(PLANTED.encode())]
    async with AIOKafkaProducer(**stack.kafka) as producer:
        for one in again:
            await producer.send_and_wait(topic, one.value, key=one.key, headers=list(one.headers))
    return len(again)


def _reading(stack: Stack) -> dict[str, Any]:
    return {**stack.kafka, "auto_offset_reset": "earliest", "enable_auto_commit": False}
