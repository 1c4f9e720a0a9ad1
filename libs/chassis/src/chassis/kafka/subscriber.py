"""Consumers on Kafka: one FastStream subscriber each, made here and nowhere else.

The subscriber hands over one record; the handler takes what else is already fetched, so that a batch is as large as
the load makes it, and none waits for a batch to fill.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Generic, TypeVar

import structlog
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER
from faststream.security import SASLScram256

from chassis.crash_points import crash_point
from chassis.health import Health, Status
from chassis.kafka.applier import Applier
from chassis.kafka.arrival import Arrival
from chassis.kafka.connection import MEMBERSHIP, READING, Kafka
from chassis.kafka.consumer import Consumer
from chassis.kafka.lag import lag_of
from chassis.kafka.offsets import Offsets
from chassis.kafka.presence import topics_stay
from chassis.kafka.progress import Progress
from chassis.kafka.resting import Resting
from chassis.kafka.slot import Slot, SlotLost

log = structlog.get_logger("consumer")

_BATCH = 200
# After a death the batch that was under way is tried event by event. So what waited is taken in small batches, which
# double as long as all goes well: who dies again and again leaves little, and a long backlog is soon read in big ones.
_CATCH_UP_BATCHES = (5, 160)
_MOST_RECORDS = 100_000
_START_LIMIT_S = 30
_STOP_LIMIT_S = 1.5
_STEADY_S = 10
_LONGEST_PAUSE_S = 2.0

_READS = Health.healthy("reads")

Tx = TypeVar("Tx")


class ReadingFailed(Exception):
    """FastStream met an error that it would only log; reading starts anew from the committed offsets."""


class Consuming(Generic[Tx]):
    """Runs one consumer until cancelled. Waits for a broker that is away and for topics that are not there yet."""

    def __init__(
        self, kafka: Kafka, consumer: Consumer[Tx], applier: Applier[Tx], slot: Slot, resting: Resting
    ) -> None:
        self.name = consumer.name
        self._kafka = kafka
        self._applier = applier
        self._slot = slot
        self._resting = resting
        self._topics = {topic.name: topic for topic in consumer.topics}
        self._health = Health.unhealthy("not started")
        self._busy = asyncio.Lock()
        self._catch_up, _ = _CATCH_UP_BATCHES

    def health(self) -> Health:
        health, waits = self._applier.trouble or self._health, self._resting.line(self.name)
        return Health(health.status, f"{health.line}; {waits}") if waits else health

    async def run(self) -> None:
        pause = 0.1
        while True:
            number = await self._slot.number()
            began = time.monotonic()
            try:
                await self._await_topics()
                await self._read(number)
            except (KafkaError, OSError, ReadingFailed, SlotLost) as error:
                pause = 0.1 if time.monotonic() - began > _STEADY_S else min(pause * 2, _LONGEST_PAUSE_S)
                self._health = Health.unhealthy(f"starts again after {type(error).__name__}: {error}")
                log.warning("consumer-starts-again", consumer=self.name, error=repr(error), pause_s=pause)
                await asyncio.sleep(pause)

    async def _await_topics(self) -> None:
        pause = 0.1
        while missing := await self._kafka.missing_topics(self._topics):
            self._health = Health.unhealthy(f"topics are missing: {', '.join(missing)}")
            log.warning("consumer-waits", consumer=self.name, missing=missing, pause_s=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _read(self, slot: int) -> None:
        """Reads until cancelled, or until FastStream reports an error: then raises ReadingFailed."""
        offsets, alarm = Offsets(self.name), _Alarm()
        self._catch_up, _ = _CATCH_UP_BATCHES
        broker = self._broker(alarm)
        subscriber = self._subscribe(broker, offsets, slot)
        try:
            async with asyncio.timeout(_START_LIMIT_S):
                await broker.start()
            offsets.consumer = subscriber.consumer
            self._health = _READS
            names = map(self._kafka.topic, self._topics)
            staying, progress = topics_stay(subscriber.consumer, names), self._progress(offsets).run()
            await self._until(alarm, offsets.run(), staying, progress, self._slot.lost(slot))
        finally:
            await asyncio.wait([asyncio.ensure_future(self._stop(broker, offsets))], timeout=3 * _STOP_LIMIT_S)

    def _progress(self, offsets: Offsets) -> Progress:
        return Progress(
            offsets,
            busy=self._busy.locked,
            steps=lambda: self._applier.steps,
            well=lambda: self.health().status is Status.HEALTHY,
            lag=lambda: lag_of(self._kafka, self._applier.database, self.name, offsets.consumer.assignment()),
        )

    async def _until(self, alarm: "_Alarm", *works: Coroutine[Any, Any, None]) -> None:
        """Does these works until the alarm rings. Raises ReadingFailed then, and whatever one of them raises."""
        tasks = [asyncio.create_task(work) for work in works]
        try:
            either: list[asyncio.Future[Any]] = [*tasks, alarm.reason]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            raise ReadingFailed(alarm.reason.result())
        finally:
            for task in tasks:
                task.cancel()

    async def _stop(self, broker: KafkaBroker, offsets: Offsets) -> None:
        """Lets the batch at hand end, commits, leaves. The lock is kept, so that no other batch begins."""
        at_rest = asyncio.ensure_future(self._busy.acquire())
        await asyncio.wait([at_rest], timeout=_STOP_LIMIT_S)
        await offsets.commit()
        await broker.stop()
        await asyncio.wait([at_rest], timeout=_STOP_LIMIT_S)  # what was cancelled removes the rows of its attempts
        self._busy = asyncio.Lock()

    def _broker(self, alarm: "_Alarm") -> KafkaBroker:
        return KafkaBroker(
            self._kafka.bootstrap.split(","),
            client_id=self._kafka.client_id,
            security=SASLScram256(self._kafka.username, self._kafka.password, use_ssl=False),
            allow_auto_create_topics=False,
            consumer_only=True,
            logger=alarm,
            apply_types=False,
            graceful_timeout=0.1,  # `_stop` has waited; beyond that a handler is cancelled
        )

    def _subscribe(self, broker: KafkaBroker, offsets: Offsets, slot: int) -> Any:
        names = [self._kafka.topic(name) for name in sorted(self._topics)]
        digest = hashlib.sha256(",".join(names).encode()).hexdigest()[:8]
        subscriber = broker.subscriber(
            *names,
            group_id=self._kafka.namespace + self.name,
            group_instance_id=f"{self.name}-{slot}-{digest}",
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            **READING,
            **MEMBERSHIP,
            listener=offsets,
            parser=_as_it_came,
            decoder=_undecoded,
            no_reply=True,
        )

        async def take(record: Any) -> None:
            async with self._busy:
                await self._take(record, subscriber.consumer, offsets)

        subscriber(take)
        return subscriber

    async def _take(self, first: Any, consumer: Any, offsets: Offsets) -> None:
        """Applies a record and all that is already fetched behind it, in batches.

        All is taken at once: what stays with the client keeps its partition out of the next fetch.
        """
        assignment = offsets.assignment
        offsets.takes += 1
        more = await consumer.getmany(timeout_ms=0, max_records=_MOST_RECORDS)
        records = [first, *(record for part in more.values() for record in part)]
        crash_point("consumer.fetched")
        start = 0
        while start < len(records):
            catching_up = offsets.catching_up(records[start : start + _BATCH])
            batch = records[start : start + (self._catch_up if catching_up else _BATCH)]
            start += len(batch)
            together = await self._apply([self._arrival(record) for record in batch], catching_up=catching_up)
            offsets.done(batch, assignment)
            smallest, largest = _CATCH_UP_BATCHES
            self._catch_up = min(2 * self._catch_up, largest) if together else smallest

    async def _apply(self, arrivals: Sequence[Arrival], *, catching_up: bool) -> bool:
        """Whether all were applied together, or before."""
        pause = 0.1
        while True:
            try:
                together = await self._applier.apply(arrivals, catching_up=catching_up)
                self._health = _READS
                return together
            except Exception:
                # A defect of the chassis itself. The events stay undone and the consumer says so, until it is mended.
                log.exception("consumer-failed", consumer=self.name)
                self._health = Health.unhealthy("an event can be neither applied nor parked; see the log")
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _arrival(self, record: Any) -> Arrival:
        return Arrival.of(record, self._topics[self._kafka.contract_topic(record.topic)])


class _Alarm:
    """FastStream's logger: what it would log as an error, and then go on deaf or past a record, ends the reading."""

    def __init__(self) -> None:
        self.reason: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def log(self, level: int, msg: Any, /, *, exc_info: Any = None, extra: Mapping[str, Any] | None = None) -> None:
        if level >= logging.ERROR and not self.reason.done():
            self.reason.set_result(f"{msg}: {exc_info!r}")


async def _as_it_came(record: Any) -> KafkaMessage:
    """Leaves the headers alone: FastStream's own parser raises for one that is no UTF-8."""
    return KafkaMessage(body=record.value or b"", raw_message=record, consumer=FAKE_CONSUMER)


async def _undecoded(message: KafkaMessage) -> Any:
    """The record itself: what a handler without type conversion is called with."""
    return message.raw_message
