"""The tail of `auth-revocations`: every process hears within a moment what auth has taken back.

It reads without a group, from 15 minutes back, and is ready once it has reached the end that it saw at its start. A
revocation that it cannot read is counted and passed over: one bad record must not make the process deaf.
"""

import asyncio
import time
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from prometheus_client import Counter

from chassis.health import Health
from chassis.http.revocations import HORIZON, Revocations
from chassis.kafka.arrival import Arrival
from chassis.kafka.broken_off import was_told_to_stop
from chassis.kafka.connection import Kafka
from chassis.kafka.ending import let_end
from contracts.auth.topics import REVOCATIONS
from contracts.auth.v1 import AccessRevoked

PROBE_S = 2.0
_ANSWER_S = 5.0
_PAUSES_S = (0.1, 0.2, 0.5, 1.0)

_READ = Counter("stoa_revocations_total", "Revocations read", ["outcome"])

log = structlog.get_logger()


class RevocationTail:
    """Component that fills `revocations` for as long as the process lives, with a new connection after each failure.

    Unhealthy until it has caught up for the first time: before, a revoked token would be believed. Later it is degraded
    while the broker is away.
    """

    name = "revocations"

    def __init__(self, kafka: Kafka, revocations: Revocations) -> None:
        self._kafka = kafka
        self._revocations = revocations
        self._caught_up = False
        self._missing: str | None = "not read yet"

    def health(self) -> Health:
        if self._missing is None:
            return Health.healthy("all revocations are read")
        line = f"revocations are not heard: {self._missing}"
        return Health.degraded(line) if self._caught_up else Health.unhealthy(line)

    async def run(self) -> None:
        failures = 0
        while True:
            try:
                await self._tail()
            except (KafkaError, OSError, TimeoutError) as error:
                failures = failures + 1 if self._missing else 0
                reason = "no answer" if isinstance(error, TimeoutError) else str(error)
                self._waits(f"{self._kafka.bootstrap}: {reason}")
            except asyncio.CancelledError:
                if was_told_to_stop():
                    raise
                self._waits(f"{self._kafka.bootstrap}: the connection was broken off")
            await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])

    def _waits(self, reason: str) -> None:
        if reason != self._missing:
            log.warning("revocations.waiting", reason=reason)
        self._missing = reason

    async def _tail(self) -> None:
        """Reads until something fails, which it raises. Without its topic a consumer would hang in its start."""
        if await self._kafka.missing_topics([REVOCATIONS.name]):
            raise FileNotFoundError(f"there is no topic {REVOCATIONS.name}")
        consumer = self._kafka.tail(auto_offset_reset="earliest")
        try:
            async with asyncio.timeout(_ANSWER_S):
                await consumer.start()
                ends = await self._begin(consumer)
            while True:
                await self._read_to(consumer, ends)
                self._heard()
                await self._follow(consumer)
                async with asyncio.timeout(_ANSWER_S):
                    ends = await consumer.end_offsets(ends.keys())
        finally:
            await _stop(consumer)

    async def _begin(self, consumer: Any) -> dict[TopicPartition, int]:
        """Moves to 15 minutes back and answers the present ends. Assigned last: before, no fetch is in the way."""
        topic = self._kafka.topic(REVOCATIONS.name)
        partitions = [TopicPartition(topic, number) for number in range(REVOCATIONS.partitions)]
        since = int((time.time() - HORIZON.total_seconds()) * 1000)
        first = await consumer.offsets_for_times(dict.fromkeys(partitions, since))
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        for partition in partitions:
            found = first[partition]
            consumer.seek(partition, found.offset if found is not None else ends[partition])
        return ends

    async def _read_to(self, consumer: Any, ends: dict[TopicPartition, int]) -> None:
        """Reads up to those offsets. Raises TimeoutError when nothing comes although something is there."""
        async with asyncio.timeout(_ANSWER_S) as patience:
            while any([await consumer.position(partition) < end for partition, end in ends.items()]):
                if await self._take(consumer, timeout_ms=200):
                    patience.reschedule(asyncio.get_running_loop().time() + _ANSWER_S)

    async def _follow(self, consumer: Any) -> None:
        """Reads what comes in the next moments."""
        until = time.monotonic() + PROBE_S
        while (left := until - time.monotonic()) > 0:
            await self._take(consumer, timeout_ms=int(left * 1000) + 1)

    async def _take(self, consumer: Any, *, timeout_ms: int) -> int:
        batches = await consumer.getmany(timeout_ms=timeout_ms)
        for records in batches.values():
            for record in records:
                self._add(Arrival.of(record, REVOCATIONS))
        return len(batches)

    def _add(self, arrival: Arrival) -> None:
        if isinstance(arrival.event, AccessRevoked):
            self._revocations.add(arrival.event)
            _READ.labels("applied").inc()
            return
        _READ.labels("poison" if arrival.poison else "unknown").inc()
        log.warning("revocations.skipped", reason=arrival.poison or "unknown kind", kind=arrival.kind)

    def _heard(self) -> None:
        if self._missing is not None:
            log.info("revocations.heard")
        self._caught_up, self._missing = True, None


async def _stop(consumer: Any) -> None:
    """Ends a consumer whatever state it is in.

    While a broker is away aiokafka's `stop` may end with the cancellation of one of its own tasks, and then leaves its
    connections open (seen with 0.14): here it is neither taken for a cancellation of the caller, nor are they left.
    """
    await let_end(consumer.stop(), _ANSWER_S)
    await let_end(consumer._client.close(), _ANSWER_S)
