"""The owner's voice: publishes the snapshots that were asked for, straight to Kafka.

A snapshot is read, sent and marked in one transaction, which sees one moment of the database and holds the lock of the
request. Whoever dies half-way leaves the request undone, and it begins anew under another snapshot id.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.core import Actor, new_id
from chassis.crash_points import crash_point
from chassis.database import Database, driver, is_passing
from chassis.health import Health
from chassis.kafka.connection import Kafka
from chassis.kafka.ending import let_end
from chassis.outbox.store import Outgoing
from chassis.snapshots.source import SnapshotKinds, SnapshotSource, Standing
from chassis.use_case import Context
from contracts.event import Event
from contracts.snapshots.v1 import Captured

log = structlog.get_logger("snapshots")

_POLL_S = 2.0
_LONGEST_PAUSE_S = 5.0
_STOP_S = 2.0
_UNACKNOWLEDGED = 500
# An item holds a little more than the event that it repeats, which was small enough for its topic; this is too.
_MOST_BYTES = 1_000_000

_TAKE = """
SELECT id, topic, consumer FROM snapshot_requests WHERE published_at IS NULL AND topic = ANY($1::text[])
ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_DONE = "UPDATE snapshot_requests SET published_at = now() WHERE id = $1"


class SnapshotPublisher:
    """Component of an owner. Any number of processes may run one: a request is locked while one works on it.

    A snapshot that cannot be made, for whatever reason, is tried again; `health` says why. Raises LookupError when the
    service's contracts have no kinds for snapshots.
    """

    name = "snapshots"

    def __init__(self, service: str, system: Database, kafka: Kafka, sources: Sequence[SnapshotSource]) -> None:
        self._system = system
        self._kafka = kafka
        self._sources = {source.topic.name: source for source in sources}
        kinds = SnapshotKinds.of(service)
        if kinds is None:
            raise LookupError(f"the contracts of {service} declare no kinds for snapshots")
        self._kinds = kinds
        self._actor = Actor.system(service)
        self._health = Health.unhealthy("not started")

    def health(self) -> Health:
        return self._health

    async def run(self) -> None:
        pause = 0.1
        while True:
            try:
                while await self._publish_one():
                    pause = 0.1
                self._health = Health.healthy("no snapshot is asked for")
                await asyncio.sleep(_POLL_S)
            except Exception as error:
                passing = isinstance(error, KafkaError) or is_passing(error)
                self._health = Health.degraded(f"a snapshot cannot be made: {type(error).__name__}: {error}")
                log.warning("snapshot-waits", error=type(error).__name__, pause_s=pause, exc_info=not passing)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _publish_one(self) -> bool:
        """The oldest request that nobody works on; False where there is none."""
        async with self._system.engine.connect() as plain:
            connection = await plain.execution_options(isolation_level="REPEATABLE READ")
            async with connection.begin():
                raw = await driver(connection)
                request = await raw.fetchrow(_TAKE, list(self._sources))
                if request is None:
                    return False
                self._health = Health.healthy(f"publishes {request['topic']} for {request['consumer']}")
                items = await self._publish(connection, request["id"], request["topic"])
                crash_point("snapshot.sent")
                await raw.execute(_DONE, request["id"])
        log.info("snapshot-published", topic=request["topic"], consumer=request["consumer"], items=items)
        return True

    async def _publish(self, connection: AsyncConnection, request_id: UUID, topic: str) -> int:
        """Sends one snapshot; answers how many items it has."""
        context = Context(actor=self._actor, org_id=None, role=None, correlation_id=request_id)
        producer = self._kafka.producer()
        try:
            await producer.start()
            sending, kinds = _Sending(self._kafka, producer, context), self._kinds
            await sending.send(kinds.begun(snapshot_id=sending.id, request_id=request_id, topic=topic))
            items = 0
            async for one in self._sources[topic].read(connection):
                await sending.send(self._captured(sending.id, topic, one), one.org_id)
                items += 1
            await sending.acknowledged()
            crash_point("snapshot.items")
            await sending.send(kinds.ended(snapshot_id=sending.id, items=items))
            await sending.acknowledged()
        finally:
            await let_end(producer.stop(), _STOP_S)
        return items

    def _captured(self, snapshot_id: UUID, topic: str, one: Standing) -> Captured:
        return self._kinds.captured(
            snapshot_id=snapshot_id,
            topic=topic,
            key=str(one.key),
            sequence=one.sequence,
            organisation_id=one.org_id,
            state=one.state.model_dump(mode="json") if one.state is not None else None,
        )


class _Sending:
    """One snapshot on its way: its messages in order, so many at most without an acknowledgement."""

    def __init__(self, kafka: Kafka, producer: AIOKafkaProducer, context: Context) -> None:
        self.id = new_id()
        self._kafka = kafka
        self._producer = producer
        self._context = context
        self._waiting: list[asyncio.Future[Any]] = []

    async def send(self, event: Event, org_id: UUID | None = None) -> None:
        """Raises EventTooLarge, and KafkaError for this one or for one before it."""
        message = Outgoing.of(
            event, self._context, key=str(self.id), sequence=None, org_id=org_id, most_bytes=_MOST_BYTES
        )
        topic = self._kafka.topic(message.topic)
        ack = await self._producer.send(topic, message.value, message.key.encode(), headers=message.headers)
        self._waiting.append(ack)
        if len(self._waiting) == _UNACKNOWLEDGED:
            await self.acknowledged()

    async def acknowledged(self) -> None:
        """Waits until the broker has all that was sent."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            await asyncio.wait(waiting)
        for ack in waiting:
            ack.result()
