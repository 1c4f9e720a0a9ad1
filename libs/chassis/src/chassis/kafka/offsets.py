"""Committed offsets of one consumer: after the database, at most every 100 ms, and only for partitions it still has."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

log = structlog.get_logger("offsets")

_INTERVAL_S = 0.1


class Offsets(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Remembers what is done, commits it by a timer, when partitions are taken away, and at the end.

    `takes`, `settled` and `commits` count for those who watch whether the consumer moves. Each committed offset has the
    time of its commit as its metadata, so that anybody can see from the broker when it moved last.
    """

    def __init__(self, consumer_name: str) -> None:
        self.consumer: Any = None
        self.assignment = 0
        self.takes = 0
        self.settled = 0
        self.commits = 0
        self._name = consumer_name
        self._done: dict[TopicPartition, int] = {}
        self._waiting_until: dict[TopicPartition, int] = {}
        self._changed = asyncio.Event()

    def done(self, records: Iterable[Any], assignment: int) -> None:
        """All of `records` is settled in the database. Forgotten if `assignment` is no longer the present one."""
        if assignment != self.assignment:
            return
        for record in records:
            self._done[TopicPartition(record.topic, record.partition)] = record.offset + 1
            self.settled += 1
        self._changed.set()

    @property
    def uncommitted(self) -> bool:
        """Whether something is settled and not committed yet."""
        return bool(self._done)

    def catching_up(self, records: Iterable[Any]) -> bool:
        """Whether one of `records` was in the log already when its partition was assigned.

        The end of that time is the log's end as the first fetch told it, so nobody has to ask for it.
        """
        found = False
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            if partition not in self._waiting_until:
                assigned = partition in self.consumer.assignment()
                told = self.consumer.highwater(partition) if assigned else None
                self._waiting_until[partition] = told or record.offset + 1
            found = found or record.offset < self._waiting_until[partition]
        return found

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.commit()
            await asyncio.sleep(_INTERVAL_S)

    async def commit(self) -> None:
        """A commit that fails is no error: it is made again, or the events come again and the inbox drops them."""
        if self.consumer is None:
            return
        assigned = self.consumer.assignment()
        ready = {partition: offset for partition, offset in self._done.items() if partition in assigned}
        if not ready:
            return
        before, now = self.assignment, datetime.now(UTC).isoformat()
        try:
            await self.consumer.commit({partition: (offset, now) for partition, offset in ready.items()})
        except KafkaError as error:
            log.info("commit-refused", consumer=self._name, error=type(error).__name__)
            self._changed.set()
            return
        self.commits += 1
        if before == self.assignment:
            self._done = {
                partition: offset for partition, offset in self._done.items() if ready.get(partition) != offset
            }

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self.commit()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.assignment += 1
        self._done.clear()
        self._waiting_until.clear()
