"""How far consumers are behind, as the broker knows it: any process can ask, whoever reads."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeAlias

from aiokafka import TopicPartition

from chassis.kafka.connection import Kafka

_ANSWER_S = 10

Positions: TypeAlias = Mapping[TopicPartition, int]


async def lags(kafka: Kafka, sources: Mapping[str, str]) -> dict[str, int]:
    """By consumer, how many events of its topic lie behind its committed offsets; `sources`: consumer to topic.

    Raises KafkaError, or TimeoutError when the broker does not answer or has no such topic.
    """
    if not sources:
        return {}
    admin, tail = kafka.admin(), kafka.tail(*set(sources.values()))
    try:
        async with asyncio.timeout(_ANSWER_S):
            await admin.start()
            await tail.start()
            first = await tail.beginning_offsets(tail.assignment())
            ends = await tail.end_offsets(tail.assignment())
            done = {name: await admin.list_consumer_group_offsets(kafka.namespace + name) for name in sources}
    finally:
        await asyncio.wait([asyncio.ensure_future(tail.stop()), asyncio.ensure_future(admin.close())], timeout=2)
    return {name: _behind(first, ends, done[name], kafka.topic(topic)) for name, topic in sources.items()}


def _behind(first: Positions, ends: Positions, done: Mapping[TopicPartition, Any], topic: str) -> int:
    """What was never committed is all unread."""
    return sum(
        end - max(done[partition].offset if partition in done else 0, first[partition])
        for partition, end in ends.items()
        if partition.topic == topic
    )
