"""Older parts of the feed, read back from Kafka for clients that were away for longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.errors import OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from chassis.kafka.connection import Kafka
from contracts.gateway.topics import FEED
from gateway.feed.clients import started
from gateway.feed.entries import Entry, entry_of
from gateway.feed.positions import Position

MOST_READERS = 8
"""So many clients read back at one time; the others wait for their turn."""

ANSWER_S = 10.0
_PAGE = 500


class PositionGone(Exception):
    """The broker no longer has what follows the position."""


class Reader:
    """Pages of one partition, in order."""

    def __init__(self, consumer: Any, partition: TopicPartition, cluster: str) -> None:
        self._consumer = consumer
        self._partition = partition
        self._cluster = cluster

    async def page(self) -> list[tuple[int, Entry | None]]:
        """The next records with their offsets. Raises PositionGone, KafkaError, TimeoutError."""
        async with asyncio.timeout(ANSWER_S):
            try:
                while not (found := await self._consumer.getmany(self._partition, timeout_ms=1000, max_records=_PAGE)):
                    pass
            except OffsetOutOfRangeError as error:
                raise PositionGone from error
        return [(record.offset, self._entry(record)) for record in found[self._partition]]

    def _entry(self, record: Any) -> Entry | None:
        return entry_of(record.headers, record.value, Position(self._cluster, record.partition, record.offset))


class History:
    """Reads back. Each reader has a connection of its own, so one slow client holds up nobody."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._places = asyncio.Semaphore(MOST_READERS)

    @asynccontextmanager
    async def behind(self, position: Position) -> AsyncIterator[Reader]:
        """A reader of what follows `position`. Raises PositionGone, KafkaError, TimeoutError."""
        partition = TopicPartition(self._kafka.topic(FEED.name), position.partition)
        async with asyncio.timeout(ANSWER_S):
            await self._places.acquire()
        consumer = self._kafka.tail(auto_offset_reset="none")
        try:
            async with started(consumer.start, consumer.stop):
                async with asyncio.timeout(ANSWER_S):
                    await self._move(consumer, partition, position.offset + 1)
                yield Reader(consumer, partition, position.cluster)
        finally:
            self._places.release()

    async def _move(self, consumer: Any, partition: TopicPartition, offset: int) -> None:
        consumer.assign([partition])
        first = (await consumer.beginning_offsets([partition]))[partition]
        if offset < first:
            raise PositionGone
        consumer.seek(partition, offset)
