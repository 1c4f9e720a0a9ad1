"""The feed worker: reads all public events and writes them again, keyed by organisation, onto the topic `feed`."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from prometheus_client import Counter

from chassis.crash_points import crash_point
from chassis.health import Health
from chassis.kafka.broken_off import was_told_to_stop
from chassis.kafka.connection import MEMBERSHIP, READING, Kafka
from chassis.kafka.offsets import Offsets
from chassis.kafka.presence import require_topics
from contracts.audience import INTERNAL, internal
from contracts.envelope import BadData, BadEnvelope, Envelope, UnknownKind, UnknownVersion, decode
from contracts.gateway.topics import FEED
from contracts.registry import all_contracts
from gateway.feed.clients import started
from gateway.feed.positions import key_of, partition_of

NAME = "gateway.feed"
_MOST_RECORDS = 500
_POLL_MS = 2_000
_ANSWER_S = 5.0
_PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0)

_SEEN = Counter("stoa_gateway_feed_events_total", "Events read by the feed worker", ["kind", "outcome"])

log = structlog.get_logger("feed-worker")


def public_topics() -> list[str]:
    """The topics that carry at least one kind which somebody may see live. The others are not even read."""
    public = (event.contract for event in all_contracts() if event.contract.audience is not internal)
    return sorted({contract.topic.name for contract in public})


class FeedWorker:
    """Component. It has no database: an offset is committed after the broker has acknowledged the event on `feed`.

    An event may come twice, under the same id; none is left out but what cannot be decoded, which is counted. The
    order of each key is kept: one consumer reads it, one idempotent producer writes it.
    """

    name = NAME

    def __init__(self, kafka: Kafka, slot: int) -> None:
        self._kafka = kafka
        self._slot = slot
        self._topics = public_topics()
        self._health = Health.unhealthy("not started")

    def health(self) -> Health:
        return self._health

    async def run(self) -> None:
        failures = 0
        while True:
            try:
                await self._work()
            except (KafkaError, OSError, TimeoutError) as error:
                failures = 0 if self._health == _READS else failures + 1
                self._wait(str(error) or type(error).__name__)
            except asyncio.CancelledError:
                if was_told_to_stop():
                    raise
                self._wait("the connection was broken off")
            await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])

    def _wait(self, reason: str) -> None:
        waits = Health.unhealthy(f"waits for {self._kafka.bootstrap}: {reason}")
        if waits != self._health:
            log.warning("feed-worker-waits", reason=reason)
        self._health = waits

    async def _work(self) -> None:
        """Forwards until something fails, which it raises; what was not committed then comes again."""
        if missing := await self._kafka.missing_topics([*self._topics, FEED.name]):
            raise FileNotFoundError(f"topics are missing: {', '.join(missing)}")
        offsets = Offsets(self.name)
        async with self._consumer(offsets) as consumer, self._producer() as producer:
            committing = asyncio.create_task(offsets.run())
            try:
                self._health = _READS
                while not committing.done():
                    assignment = offsets.assignment
                    batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MOST_RECORDS)
                    require_topics(consumer, map(self._kafka.topic, self._topics))
                    if batches:
                        await self._forward(producer, batches)
                    else:
                        await self._probe(consumer)
                    for records in batches.values():
                        offsets.done(records, assignment)
            finally:
                committing.cancel()
                await offsets.commit()

    async def _probe(self, consumer: AIOKafkaConsumer) -> None:
        """A consumer whose broker is away looks like one that has nothing to read, so the broker is asked for a sign
        of life. Raises nothing: the consumer finds its broker again by itself."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                await consumer.end_offsets(list(consumer.assignment())[:1])
            self._health = _READS
        except (KafkaError, OSError, TimeoutError) as error:
            self._health = Health.degraded(f"the broker does not answer: {type(error).__name__}")

    async def _forward(self, producer: AIOKafkaProducer, batches: "dict[TopicPartition, Sequence[Any]]") -> None:
        """Returns when the broker has all of it. Raises KafkaError when it refuses one: then all of it comes again."""
        crash_point("feed.fetched")
        acks = [
            ack for records in batches.values() for record in records if (ack := await self._send(producer, record))
        ]
        waiting: set[asyncio.Future[Any]] = set(acks)
        while waiting:
            _, waiting = await asyncio.wait(waiting, timeout=_ANSWER_S)
            late = Health.degraded(f"the broker does not acknowledge {len(waiting)} events")
            self._health = late if waiting else _READS
        for ack in acks:
            ack.result()
        crash_point("feed.forwarded")

    async def _send(self, producer: AIOKafkaProducer, record: Any) -> "asyncio.Future[Any] | None":
        """Hands one event to the producer, as it came; None for one that nobody may see, or that cannot be sent."""
        org_id = _public_org(record)
        if org_id is None:
            return None
        topic, headers = self._kafka.topic(FEED.name), list(record.headers)
        try:
            ack: asyncio.Future[Any] = await producer.send(
                topic, record.value, key_of(org_id), partition=partition_of(org_id), headers=headers
            )
        except MessageSizeTooLargeError as error:
            _skip(record, error)
            return None
        return ack

    @asynccontextmanager
    async def _consumer(self, offsets: Offsets) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            **self._kafka.connection_settings,
            group_id=self._kafka.namespace + self.name,
            group_instance_id=f"{self.name}-{self._slot}-{_digest(self._topics)}",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            **READING,
            **MEMBERSHIP,
        )
        consumer.subscribe([self._kafka.topic(topic) for topic in self._topics], listener=offsets)
        offsets.consumer = consumer
        async with started(consumer.start, consumer.stop):
            yield consumer

    @asynccontextmanager
    async def _producer(self) -> AsyncIterator[AIOKafkaProducer]:
        """Without lingering: what comes while a request is under way goes with the next one anyway."""
        producer = AIOKafkaProducer(**self._kafka.connection_settings, acks="all", enable_idempotence=True, linger_ms=0)
        async with started(producer.start, producer.stop):
            yield producer


def _public_org(record: Any) -> UUID | None:
    """The organisation whose members may see the event; None, counted, where nobody may or it cannot be decoded."""
    try:
        envelope = Envelope.from_headers(record.headers)
        if envelope.org_id is None or envelope.audience == INTERNAL:
            _SEEN.labels(envelope.kind, "internal").inc()
            return None
        decode(envelope, record.value or b"")
    except (BadEnvelope, BadData, UnknownKind, UnknownVersion) as error:
        _skip(record, error)
        return None
    _SEEN.labels(envelope.kind, "public").inc()
    return envelope.org_id


def _skip(record: Any, error: Exception) -> None:
    _SEEN.labels("skipped", type(error).__name__).inc()
    place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    log.warning("event-skipped", **place, reason=f"{type(error).__name__}: {error}")


_READS = Health.healthy("forwards")


def _digest(topics: Iterable[str]) -> str:
    """Part of the member's name: with another list of topics it is another member, else the new ones stay unread."""
    return hashlib.sha256(",".join(topics).encode()).hexdigest()[:8]
