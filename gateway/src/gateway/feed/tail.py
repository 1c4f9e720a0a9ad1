"""The tail: every replica reads the whole feed, without a group, and fills its hub."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from chassis.health import Health
from chassis.kafka.broken_off import was_told_to_stop
from chassis.kafka.connection import Kafka
from contracts.gateway.topics import FEED
from gateway.feed.clients import started
from gateway.feed.hub import Hub
from gateway.feed.positions import cluster_mark

PROBE_S = 2.0
_ANSWER_S = 3.0
_LOOK_BACK = 500
"""So many records of each partition are read again at the start, for clients that come from another replica."""
_AT_ONCE = 20
"""Each record is written to all who may see it, at once: a burst of them is not to hold up everybody else."""
_PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0)

log = structlog.get_logger("feed")


class ClusterReplaced(Exception):
    """The broker's data is another than before."""


class FeedTail:
    """Component. A lost connection costs nothing: it goes on where the hub is. When the broker's data was replaced or
    is shorter than it was, the hub forgets all positions and begins anew."""

    name = "feed-tail"

    def __init__(self, kafka: Kafka, hub: Hub) -> None:
        self._kafka = kafka
        self._hub = hub
        self._missing: str | None = "not read yet"
        topic = kafka.topic(FEED.name)
        self._partitions = [TopicPartition(topic, number) for number in range(FEED.partitions)]

    def health(self) -> Health:
        if self._missing is None:
            return Health.healthy("the feed is read")
        line = f"the feed is not read: {self._missing}"
        return Health.degraded(line) if self._hub.ready else Health.unhealthy(line)

    async def run(self) -> None:
        await asyncio.gather(self._hub.beat(), self._keep_tailing())

    async def _keep_tailing(self) -> None:
        failures = 0
        while True:
            try:
                await self._tail()
            except (OffsetOutOfRangeError, ClusterReplaced) as error:
                self._hub.forget()
                self._waits(f"it begins anew: {type(error).__name__}")
            except (KafkaError, OSError, TimeoutError) as error:
                failures = failures + 1 if self._missing else 0
                self._waits(f"{self._kafka.bootstrap}: {str(error) or type(error).__name__}")
            except asyncio.CancelledError:
                if was_told_to_stop():
                    raise
                self._waits(f"{self._kafka.bootstrap}: the connection was broken off")
            await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])

    def _waits(self, reason: str) -> None:
        if reason != self._missing:
            log.warning("feed-waits", reason=reason)
        self._missing = reason

    async def _tail(self) -> None:
        """Reads until something fails, which it raises."""
        if await self._kafka.missing_topics([FEED.name]):
            raise FileNotFoundError(f"there is no topic {FEED.name}")
        async with self._connected() as (consumer, admin):
            await self._begin(consumer, await _cluster(admin))
            self._missing = None
            log.info("feed-read")
            probed = time.monotonic()
            while True:
                await self._take(consumer)
                if time.monotonic() - probed > PROBE_S:
                    probed = time.monotonic()
                    if await _cluster(admin) != self._hub.cluster:
                        raise ClusterReplaced

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[Any, Any]]:
        consumer, admin = self._kafka.tail(auto_offset_reset="none"), self._kafka.admin()
        async with started(consumer.start, consumer.stop), started(admin.start, admin.close):
            yield consumer, admin

    async def _begin(self, consumer: Any, cluster: str) -> None:
        """Goes on at the hub's heads; the first time, or with other data, a little before the end of each partition."""
        if self._hub.ready and self._hub.cluster != cluster:
            raise ClusterReplaced
        if not self._hub.ready:
            async with asyncio.timeout(_ANSWER_S):
                firsts = await consumer.beginning_offsets(self._partitions)
                ends = await consumer.end_offsets(self._partitions)
            self._hub.begin(cluster, [max(firsts[each], ends[each] - _LOOK_BACK) for each in self._partitions])
        consumer.assign(self._partitions)
        for number, partition in enumerate(self._partitions):
            consumer.seek(partition, self._hub.recent(number).head)

    async def _take(self, consumer: Any) -> None:
        """Hands the next records to the hub; after some of them others get their turn."""
        for records in (await consumer.getmany(timeout_ms=int(PROBE_S * 1000), max_records=200)).values():
            for number, record in enumerate(records, start=1):
                self._hub.take(record.partition, record.offset, record.headers, record.value)
                if number % _AT_ONCE == 0 or number == len(records):
                    await asyncio.sleep(0)


async def _cluster(admin: Any) -> str:
    """The mark of the broker's data at this moment. Raises TimeoutError or KafkaError when it does not answer."""
    async with asyncio.timeout(_ANSWER_S):
        found = await admin.describe_cluster()
    return cluster_mark(found["cluster_id"])
