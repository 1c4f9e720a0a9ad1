"""The reader's side as a component: asks owners for the snapshots that operators want, and reads them.

It has no group and no offsets. Whoever leads reads the snapshot topics from their beginning for as long as something is
to be rebuilt: so one that is killed is followed by one that begins anew, and applying an item twice changes nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import asyncpg
import structlog
from aiokafka.errors import KafkaError
from sqlalchemy import text

from chassis.core import Actor, Ok, Result
from chassis.database import Database, is_passing
from chassis.health import Health
from chassis.kafka.arrival import Arrival
from chassis.kafka.broken_off import was_told_to_stop
from chassis.kafka.connection import Kafka
from chassis.kafka.consumer import Consumer
from chassis.kafka.ending import let_end
from chassis.snapshots.applying import Applying
from chassis.snapshots.reading import Reading
from chassis.snapshots.rebuilds import Rebuild, unfinished
from chassis.snapshots.source import SnapshotKinds
from chassis.use_case import Context, Runner, Work
from contracts.snapshots.v1 import SnapshotRequested
from contracts.topics import Topic

log = structlog.get_logger("rebuilds")

_LOCK = 7_214_003
_POLL_S = 2.0
_FETCH_MS = 500
_BATCH = 200
_ANSWER_S = 10.0
_STOP_S = 2.0
_LONGEST_PAUSE_S = 5.0

_REQUESTED = text("UPDATE rebuilds SET requested_at = now() WHERE id = :id AND requested_at IS NULL")

Tx = TypeVar("Tx")


def snapshots_for(consumers: Sequence[Consumer[Any]]) -> dict[str, SnapshotKinds]:
    """By consumer's name, what the snapshots of its source are made of, where its owner makes any."""
    found = {one.name: SnapshotKinds.of(one.source.producer) for one in consumers if one.source is not None}
    return {name: kinds for name, kinds in found.items() if kinds is not None}


class Rebuilds(Generic[Tx]):
    """Component that works off the service's rebuilds, all of them at once. One process of a service leads."""

    name = "rebuilds"

    def __init__(
        self, service: str, system: Database, kafka: Kafka, runner: Runner[Tx], consumers: Sequence[Consumer[Tx]]
    ) -> None:
        self._service = service
        self._system = system
        self._kafka = kafka
        self._runner = runner
        self.reads = snapshots_for(consumers)
        self._applying = {one.name: Applying(one, system, runner.bind) for one in consumers if one.name in self.reads}
        self._health = Health.unhealthy("not started")

    def health(self) -> Health:
        return self._health

    async def run(self) -> None:
        pause = 0.1
        while True:
            try:
                async with self._leading() as connection:
                    pause = 0.1
                    await self._work(connection)
            except Exception as error:
                if not (isinstance(error, KafkaError) or is_passing(error)):
                    raise
                self._wait_for(error)
            except asyncio.CancelledError as error:
                if was_told_to_stop():
                    raise
                self._wait_for(error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _wait_for(self, error: BaseException) -> None:
        self._health = Health.degraded(f"rebuilds wait: {type(error).__name__}: {error}")
        log.warning("rebuild-waits", error=type(error).__name__)

    @asynccontextmanager
    async def _leading(self) -> AsyncIterator[Any]:
        """The connection that holds the lock, once no other process does. The server ends it after 15 s of silence."""
        settings = {"application_name": f"{self._service}.rebuilds", "idle_session_timeout": "15000"}
        connection = await asyncpg.connect(self._system.dsn, timeout=5, command_timeout=10, server_settings=settings)
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                self._health = Health.healthy("another process rebuilds")
                await asyncio.sleep(_POLL_S)
            yield connection
        finally:
            connection.terminate()

    async def _work(self, connection: Any) -> None:
        while True:
            asked = await self._asked(connection)
            if asked:
                await self._read(connection, asked)
            self._health = Health.healthy("nothing is to be rebuilt")
            await asyncio.sleep(_POLL_S)

    async def _asked(self, connection: Any) -> list[Rebuild]:
        """What has not ended; for what is new a snapshot is requested."""
        asked = await unfinished(connection, list(self._applying))
        for rebuild in asked:
            if rebuild.requested_at is None:
                await self._request(rebuild)
        return asked

    async def _request(self, rebuild: Rebuild) -> None:
        actor = Actor.system(self._service)

        async def body(work: Work) -> Result[None]:
            noted = await work.connection.execute(_REQUESTED, {"id": rebuild.id})
            if noted.rowcount:
                wish = SnapshotRequested(request_id=rebuild.id, topic=rebuild.topic, consumer=rebuild.consumer)
                work.publish_record(wish, key=rebuild.topic, org_id=None)
            return Ok(None)

        await self._runner.transact(Context(actor=actor, org_id=None, role=None, correlation_id=rebuild.id), body)

    async def _read(self, connection: Any, asked: Sequence[Rebuild]) -> None:
        """Reads until nothing is asked for any more."""
        topics = {kinds.topic.name: kinds.topic for kinds in self.reads.values()}
        if missing := await self._kafka.missing_topics(topics):
            raise FileNotFoundError(f"topics are missing: {', '.join(missing)}")
        reading = Reading(self._system, self._applying)
        consumer = self._kafka.tail(*topics, auto_offset_reset="earliest")
        try:
            async with asyncio.timeout(_ANSWER_S):
                await consumer.start()
            while asked:
                self._health = Health.healthy(f"rebuilds {', '.join(one.consumer for one in asked)}")
                reading.expect(asked)
                await self._take_some(reading, consumer, topics)
                asked = await self._asked(connection)
        finally:
            await let_end(consumer.stop(), _STOP_S)

    async def _take_some(self, reading: Reading[Tx], consumer: Any, topics: dict[str, Topic]) -> None:
        batches = await consumer.getmany(timeout_ms=_FETCH_MS, max_records=_BATCH)
        for records in batches.values():
            for record in records:
                await reading.take(Arrival.of(record, topics[self._kafka.contract_topic(record.topic)]))
        if batches:
            await reading.note()
