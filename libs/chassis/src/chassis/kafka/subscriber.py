"""Consumers on Kafka: one FastStream subscriber each, made here and nowhere else.

The subscriber hands over one record; the handler takes what else is already fetched, so that a batch is as large as
the load makes it, and none waits for a batch to fill.
"""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER
from faststream.security import SASLScram256

from chassis.crash_points import crash_point
from chassis.health import Health
from chassis.kafka.applier import Applier
from chassis.kafka.arrival import Arrival
from chassis.kafka.connection import Kafka
from chassis.kafka.consumer import Consumer
from chassis.kafka.offsets import Offsets
from chassis.kafka.slot import Slot

log = structlog.get_logger("consumer")

# What FastStream says below an error repeats what is known here; its own logger would print past ours.
_library_log = logging.getLogger("chassis.faststream")
_library_log.setLevel(logging.ERROR)

SESSION_TIMEOUT_MS = 6_000
_MOST_RECORDS = 200
# Waiting for a database that is away, however long, must not cost the membership: progress is watched elsewhere.
_POLL_LIMIT_MS = 24 * 3600 * 1000

Tx = TypeVar("Tx")


class Consuming(Generic[Tx]):
    """Runs one consumer until cancelled. Waits for a broker that is away and for topics that are not there yet."""

    def __init__(self, kafka: Kafka, consumer: Consumer[Tx], applier: Applier[Tx], slot: Slot) -> None:
        self.name = consumer.name
        self._kafka = kafka
        self._consumer = consumer
        self._applier = applier
        self._slot = slot
        self._topics = {topic.name: topic for topic in consumer.topics}
        self._health = Health.unhealthy("not started")
        self._offsets = Offsets(self.name)

    def health(self) -> Health:
        return self._applier.trouble or self._health

    async def run(self) -> None:
        number = await asyncio.shield(self._slot.number)
        await self._await_topics()
        broker, subscriber = self._make(number)
        try:
            await broker.start()
            self._offsets.consumer = subscriber.consumer
            self._health = Health.healthy("reads")
            await self._offsets.run()
        finally:
            await self._offsets.commit()
            await asyncio.wait([asyncio.ensure_future(broker.stop())], timeout=5)

    async def _await_topics(self) -> None:
        pause = 0.1
        while True:
            try:
                missing = await self._kafka.missing_topics(self._topics)
                if not missing:
                    return
                reason = f"topics are missing: {', '.join(missing)}"
            except (KafkaError, OSError, TimeoutError) as error:
                reason = f"the broker is away: {type(error).__name__}"
            self._health = Health.unhealthy(reason)
            log.warning("consumer-waits", consumer=self.name, reason=reason, pause_s=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)

    def _make(self, slot: int) -> tuple[KafkaBroker, Any]:
        names = [self._kafka.topic(name) for name in sorted(self._topics)]
        digest = hashlib.sha256(",".join(names).encode()).hexdigest()[:8]
        broker = KafkaBroker(
            self._kafka.bootstrap.split(","),
            client_id=self._kafka.client_id,
            security=SASLScram256(self._kafka.username, self._kafka.password, use_ssl=False),
            allow_auto_create_topics=False,
            consumer_only=True,
            logger=_library_log,
            apply_types=False,
        )
        subscriber = broker.subscriber(
            *names,
            group_id=self._kafka.namespace + self.name,
            group_instance_id=f"{self.name}-{slot}-{digest}",
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=2_000,
            max_poll_interval_ms=_POLL_LIMIT_MS,
            listener=self._offsets,
            parser=_as_it_came,
            decoder=_undecoded,
            no_reply=True,
        )

        async def take(record: Any) -> None:
            await self._take(record, subscriber.consumer)

        subscriber(take)
        return broker, subscriber

    async def _take(self, first: Any, consumer: Any) -> None:
        """Applies a record and all that is already fetched behind it. Never lets an exception out but a cancellation:
        FastStream would log it, and the next commit would pass over the record."""
        more = await consumer.getmany(timeout_ms=0, max_records=_MOST_RECORDS)
        records = [first, *(record for part in more.values() for record in part)]
        crash_point("consumer.fetched")
        arrivals = [self._arrival(record) for record in records]
        await self._apply(arrivals)
        for record in records:
            self._offsets.done(TopicPartition(record.topic, record.partition), record.offset + 1)

    async def _apply(self, arrivals: Sequence[Arrival]) -> None:
        pause = 0.1
        while True:
            try:
                return await self._applier.apply(arrivals)
            except Exception:
                # A defect of the chassis itself. The events stay undone and the consumer says so, until it is mended.
                log.exception("consumer-failed", consumer=self.name)
                self._health = Health.unhealthy("an event can be neither applied nor parked; see the log")
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    def _arrival(self, record: Any) -> Arrival:
        return Arrival.of(record, self._topics[self._kafka.contract_topic(record.topic)])


async def _as_it_came(record: Any) -> KafkaMessage:
    """Leaves the headers alone: FastStream's own parser raises for one that is no UTF-8."""
    return KafkaMessage(body=record.value or b"", raw_message=record, consumer=FAKE_CONSUMER)


async def _undecoded(message: KafkaMessage) -> Any:
    """The record itself: what a handler without type conversion is called with."""
    return message.raw_message
