"""The relay: the only one that publishes. One per service, whoever holds the advisory lock.

It selects, and marks as sent, on the connection that holds the lock. That connection ends by itself 2 s after its
process froze, so that another relay can take over; a relay that wakes later may send a batch again, behind newer ones,
and readers drop it by sequence.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from chassis.crash_points import crash_point
from chassis.database import is_passing
from chassis.health import Health
from chassis.kafka.connection import Kafka
from chassis.kafka.ending import let_end
from chassis.outbox.broker import BrokerReplaced, BrokerWatch, require_known
from chassis.outbox.leadership import ROLE, connect, pinging, take_lock
from chassis.outbox.notifier import CHANNEL
from chassis.outbox.sending import give_up, hand_over, is_refusal
from chassis.outbox.store import OutboxStore

log = structlog.get_logger("relay")

_BATCH = 500
_BATCH_BYTES = 8_000_000
_POLL_S = 1.0
_STOP_S = 2.0
_STEADY_S = 10.0
_LONGEST_PAUSE_S = 2.0

# Rows of a key behind a refused row are left out, else they would fill the batch.
_UNSENT = """
SELECT id, topic, key, headers, value, created_at FROM (
    SELECT *, sum(octet_length(value)) OVER (ORDER BY id) - octet_length(value) AS before FROM (
        SELECT * FROM outbox AS o WHERE sent_at IS NULL AND NOT EXISTS (
            SELECT FROM outbox AS r WHERE r.refused IS NOT NULL AND r.topic = o.topic AND r.key = o.key)
        ORDER BY id LIMIT $1) AS unsent) AS sized
WHERE before < $2 ORDER BY id
"""
_MARK = "UPDATE outbox SET sent_at = now() WHERE id = ANY($1::bigint[])"
_HOLD = "UPDATE outbox SET refused = $2 WHERE id = $1"
_RELEASE = "UPDATE outbox SET refused = NULL WHERE refused IS NOT NULL"
_HELD = "SELECT id, refused FROM outbox WHERE refused IS NOT NULL ORDER BY id LIMIT 1"


class Relay:
    """Sends the outbox to Kafka, in order per key, until cancelled.

    A row that the broker or its client refuses for good holds its key: `health` names the row, other keys flow, and
    held rows are tried again by a relay that starts. To a broker that lost its data nothing is sent: `health` names the
    command that fills it again, and the relay goes on once that has run.
    """

    name = "relay"

    def __init__(self, system_dsn: str, kafka: Kafka, outbox: OutboxStore, *, service: str) -> None:
        self._dsn = system_dsn
        self._kafka = kafka
        self._outbox = outbox
        self._application = f"{service}{ROLE}"
        self._replay = f"python -m {service} outbox replay --lost-broker"
        self._health = Health.unhealthy("not started")
        self._held: Health | None = None
        self._lost: Health | None = None
        self._starts = True
        self._worked = False
        self._alone = 0

    def health(self) -> Health:
        return self._lost or self._held or self._health

    async def run(self) -> None:
        pause = 0.1
        while True:
            began = time.monotonic()
            try:
                await self._lead()
            except Exception as error:
                if not (isinstance(error, KafkaError) or is_passing(error)):
                    raise
                pause = 0.1 if time.monotonic() - began > _STEADY_S else min(pause * 2, _LONGEST_PAUSE_S)
                line = f"{type(error).__name__}: {error}"
                self._tell(Health.degraded(line) if self._worked else Health.unhealthy(line))
                log.warning("relay-waits", error=type(error).__name__, pause_s=pause)
                await asyncio.sleep(pause)

    async def _lead(self) -> None:
        """Takes the lock, then sends until the connection or the producer fails."""
        connection = await connect(self._dsn, self._application)
        self._lost = None
        try:
            await take_lock(connection, lambda: self._tell(Health.healthy("another process sends")))
            await connection.add_listener(CHANNEL, lambda *_: self._outbox.waiting.set())
            self._outbox.sent_here = True
            if self._starts:
                await connection.execute(_RELEASE)
            self._starts = False
            await self._look_at_held(connection)
            while True:
                cluster = await self._known_broker(connection)
                with suppress(BrokerReplaced):
                    await self._send_until_refusal(connection, cluster)
        finally:
            self._outbox.sent_here = False
            connection.terminate()

    async def _known_broker(self, connection: Any) -> str:
        """Waits for the broker that the outbox was sent to, whose cluster id it answers. To another nothing is sent."""
        while True:
            found = await pinging(connection, asyncio.ensure_future(self._kafka.cluster_id()), lambda: None)
            try:
                await require_known(connection, found)
            except BrokerReplaced as error:
                self._say_lost(error)
                await asyncio.sleep(_POLL_S)
            else:
                self._lost = None
                return found

    async def _send_until_refusal(self, connection: Any, cluster: str) -> None:
        """After a refusal the producer has to go: what is sent on it later fails out of order."""
        producer = self._kafka.producer()
        try:
            await pinging(connection, asyncio.ensure_future(producer.start()), lambda: None)
            self._worked = True
            async with BrokerWatch(self._kafka, cluster) as broker:
                await self._send_on(connection, producer, broker)
        finally:
            give_up(producer)
            await let_end(producer.stop(), _STOP_S)

    async def _send_on(self, connection: Any, producer: AIOKafkaProducer, broker: BrokerWatch) -> None:
        """Sends batch after batch; returns when something was refused. Raises BrokerReplaced."""
        while True:
            broker.require_same()
            self._outbox.waiting.clear()
            most = 1 if self._alone else _BATCH
            rows = await connection.fetch(_UNSENT, most, _BATCH_BYTES)
            self._alone = self._alone if rows else 0
            if rows and not await self._send(connection, producer, broker, rows):
                return
            # One that is not full had all that there was; what was committed since then has set `waiting`.
            if len(rows) < most and sum(len(row["value"]) for row in rows) < _BATCH_BYTES:
                self._tell(Health.healthy("nothing waits"))
                await _wait(self._outbox.waiting, _POLL_S)

    async def _send(
        self, connection: Any, producer: AIOKafkaProducer, broker: BrokerWatch, rows: Sequence[Any]
    ) -> bool:
        """Sends one batch pipelined, then marks what was acknowledged. False when something was refused."""
        crash_point("relay.claimed")
        on_wait = partial(self._say_waits, broker, rows[0]["created_at"])
        sending = asyncio.ensure_future(hand_over(producer, rows, self._kafka.topic))
        batch = await pinging(connection, sending, on_wait)
        crash_point("relay.sent")
        await pinging(connection, asyncio.ensure_future(batch.acknowledged()), on_wait)
        crash_point("relay.acked")
        await connection.execute(_MARK, batch.sent)
        failed = batch.failed
        refused = [id_ for id_, error in failed.items() if is_refusal(error)]
        if failed and not refused:
            raise next(iter(failed.values()))
        if len(rows) == 1 and refused:
            await self._hold(connection, rows[0], failed[rows[0]["id"]])
        # The broker refuses all of its own batch for the sake of one row: those are sent again one by one.
        self._alone = len(refused) if len(rows) > 1 else max(self._alone - 1, 0)
        return not refused

    async def _hold(self, connection: Any, row: Any, error: BaseException) -> None:
        await connection.execute(_HOLD, row["id"], type(error).__name__)
        log.error("outbox-row-refused", row=row["id"], topic=row["topic"], error=type(error).__name__)
        await self._look_at_held(connection)

    async def _look_at_held(self, connection: Any) -> None:
        row = await connection.fetchrow(_HELD)
        line = "" if row is None else f"outbox row {row['id']} is refused ({row['refused']}) and holds its key"
        self._held = Health.unhealthy(line) if line else None

    def _say_waits(self, broker: BrokerWatch, since: datetime) -> None:
        broker.require_same()
        self._tell(Health.degraded(f"the broker does not acknowledge; oldest waits since {since}"))

    def _say_lost(self, error: BrokerReplaced) -> None:
        if self._lost is None:
            log.error("broker-replaced", reason=str(error), run=self._replay)
        self._lost = Health.unhealthy(f"{error}. Nothing is sent until it is filled again: {self._replay}")

    def _tell(self, health: Health) -> None:
        self._health = health


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        # Not wait_for: in Python 3.11 it swallows a cancellation that comes together with the event.
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
