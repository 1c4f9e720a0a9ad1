"""The declared topics, as long as a test needs them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from chassis.kafka.connection import Kafka
from chassis.kafka.topics import create_topics, delete_topics
from contracts.registry import all_topics
from contracts.topics import Topic

_PARTITIONS = 3


def small_topics(*, but: Topic | None = None) -> list[Topic]:
    """All declared topics with three partitions at most: enough for keys to be spread, and the broker and each of its
    clients pay for every one. `but` stays as declared, for a reader that counts on it."""
    return [
        topic if topic == but else replace(topic, partitions=min(topic.partitions, _PARTITIONS))
        for topic in all_topics()
    ]


@asynccontextmanager
async def topics_on(kafka: Kafka, *, but: Topic | None = None) -> AsyncIterator[None]:
    """`small_topics` in the namespace of `kafka`; gone in the end."""
    await create_topics(kafka, small_topics(but=but))
    try:
        yield
    finally:
        await delete_topics(kafka, all_topics())
