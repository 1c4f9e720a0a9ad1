"""The relay: the only one that publishes. One per service, whoever holds the advisory lock.

It selects, and marks as sent, on the connection that holds the lock. That connection ends by itself 2 s after its
process froze, so that another relay can take over; a relay that wakes later may send a batch again, behind newer ones,
and readers drop it by sequence.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import orjson
import structlog
from aiokafka import AIOKafkaProducer, errors
from aiokafka.errors import KafkaError

from chassis.crash_points import crash_point
from chassis.health import Health
from chassis.kafka.connection import Kafka
from chassis.outbox.store import OutboxStore

log = structlog.get_logger("relay")

_LOCK = 7_214_001
_BATCH = 500
_POLL_S = 1.0
_PING_S = 0.5
_TAKEOVER_S = 0.5

# Rows of a key behind a refused row are left out, else they would fill the batch.
_UNSENT = """
SELECT id, topic, key, headers, value, created_at FROM outbox AS o
WHERE sent_at IS NULL AND NOT EXISTS (
    SELECT FROM outbox AS r WHERE r.refused IS NOT NULL AND r.topic = o.topic AND r.key = o.key)
ORDER BY id LIMIT $1
"""
_MARK = "UPDATE outbox SET sent_at = now() WHERE id = ANY($1::bigint[])"
_HOLD = "UPDATE outbox SET refused = $2 WHERE id = $1"
_RELEASE = "UPDATE outbox SET refused = NULL WHERE refused IS NOT NULL"


class Relay:
    """Sends the outbox to Kafka, in order per key, until cancelled.

    A row that the broker or its client refuses for good holds its key: the row is named in `health`, other keys flow,
    and held rows are tried again when a relay starts.
    """

    name = "relay"

    def __init__(self, system_dsn: str, kafka: Kafka, outbox: OutboxStore, *, service: str) -> None:
        self._dsn = system_dsn
        self._kafka = kafka
        self._outbox = outbox
        self._service = service
        self._health = Health.unhealthy("not started")
        self._held: dict[int, str] = {}

    def health(self) -> Health:
        if self._held:
            row, reason = next(iter(self._held.items()))
            return Health.unhealthy(f"outbox row {row} is refused ({reason}) and holds its key")
        return self._health

    async def run(self) -> None:
        pause = 0.1
        while True:
            try:
                await self._lead()
                pause = 0.1
            except (asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError, OSError, TimeoutError) as error:
                self._health = Health.unhealthy(f"{type(error).__name__}: {error}")
                log.warning("relay-waits", error=type(error).__name__, pause_s=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    async def _lead(self) -> None:
        """Takes the lock, then sends until the connection or the producer fails."""
        connection = await _lock_connection(self._dsn, self._service)
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                self._health = Health.healthy("another process sends")
                await asyncio.sleep(_TAKEOVER_S)
            await connection.execute(_RELEASE)
            self._held.clear()
            await self._send_with_producer(connection)
        finally:
            connection.terminate()

    async def _send_with_producer(self, connection: Any) -> None:
        producer = await self._start_producer(connection)
        try:
            while True:
                self._outbox.waiting.clear()
                rows = await connection.fetch(_UNSENT, _BATCH)
                if rows:
                    crash_point("relay.claimed")
                    await self._send(connection, producer, rows)
                    continue
                self._health = Health.healthy("nothing waits")
                await _wait(self._outbox.waiting, _POLL_S)
        finally:
            await _stop(producer)

    async def _start_producer(self, connection: Any) -> AIOKafkaProducer:
        producer = self._kafka.producer()
        self._health = Health.unhealthy("the broker does not answer")
        await _pinging(connection, asyncio.ensure_future(producer.start()))
        return producer

    async def _send(self, connection: Any, producer: AIOKafkaProducer, rows: Sequence[Any]) -> None:
        """Sends one batch pipelined and marks what was acknowledged. Raises KafkaError when the producer must go."""
        sending = asyncio.ensure_future(self._hand_over(producer, rows))
        futures = await _pinging(connection, sending)
        crash_point("relay.sent")
        acks = asyncio.ensure_future(asyncio.wait(futures.values()))
        await _pinging(connection, acks, on_wait=lambda: self._report_waiting(rows[0]))
        crash_point("relay.acked")
        failed = {id_: error for id_, ack in futures.items() if (error := ack.exception()) is not None}
        await self._settle(connection, rows, failed)

    async def _hand_over(self, producer: AIOKafkaProducer, rows: Sequence[Any]) -> dict[int, "asyncio.Future[Any]"]:
        futures: dict[int, asyncio.Future[Any]] = {}
        refused_keys: set[tuple[str, str]] = set()
        for index, row in enumerate(rows):
            key = (row["topic"], row["key"])
            if key in refused_keys:
                continue
            headers = [(name, value.encode()) for name, value in orjson.loads(row["headers"])]
            topic = self._kafka.topic(row["topic"])
            try:
                ack = await producer.send(topic, row["value"], row["key"].encode(), headers=headers)
            except KafkaError as error:
                ack = asyncio.get_running_loop().create_future()
                ack.set_exception(error)
                refused_keys.add(key)
            futures[row["id"]] = ack
            if index == len(rows) // 2:
                crash_point("relay.half")
        return futures

    async def _settle(self, connection: Any, rows: Sequence[Any], failed: dict[int, BaseException]) -> None:
        """Marks what was acknowledged, except what came after a failure of its key: that goes again, in order."""
        stopped: set[tuple[str, str]] = set()
        sent: list[int] = []
        for row in rows:
            key = (row["topic"], row["key"])
            error = failed.get(row["id"])
            if error is not None and key not in stopped and not _passes(error):
                await connection.execute(_HOLD, row["id"], type(error).__name__)
                self._held[row["id"]] = type(error).__name__
                log.error("outbox-row-refused", row=row["id"], topic=row["topic"], error=type(error).__name__)
            if error is not None:
                stopped.add(key)
            elif key not in stopped:
                sent.append(row["id"])
        await connection.execute(_MARK, sent)
        if failed:
            # Sends that follow a failed one fail out of order: a new producer starts a new sequence at the broker.
            raise next(iter(failed.values()))

    def _report_waiting(self, oldest: Any) -> None:
        self._health = Health.degraded(f"the broker does not acknowledge; oldest waits since {oldest['created_at']}")


def _passes(error: BaseException) -> bool:
    """Whether the same message may be accepted later: everything but a refusal of the message itself."""
    return not isinstance(error, _REFUSALS)


_REFUSALS = (
    errors.InvalidMessageError,
    errors.InvalidTimestampError,
    errors.InvalidTopicError,
    errors.MessageSizeTooLargeError,
    errors.PolicyViolationError,
    errors.RecordListTooLargeError,
    errors.RecordTooLargeError,
    errors.UnsupportedForMessageFormatError,
)


async def _stop(producer: AIOKafkaProducer) -> None:
    """Lets the producer finish for 5 s. It is never cancelled: a cancelled sender hangs the sends of its successors."""
    await asyncio.wait([asyncio.ensure_future(producer.stop())], timeout=5)


async def _lock_connection(dsn: str, service: str) -> Any:
    """A connection of its own, that the server ends 2 s after its last sign of life."""
    return await asyncpg.connect(
        dsn,
        timeout=5,
        command_timeout=10,
        server_settings={
            "application_name": f"{service}.relay",
            "idle_session_timeout": "2000",
            "tcp_keepalives_idle": "1",
            "tcp_keepalives_interval": "1",
            "tcp_keepalives_count": "2",
            "statement_timeout": "10000",
        },
    )


async def _pinging(connection: Any, task: "asyncio.Future[Any]", on_wait: Any = None) -> Any:
    """Waits for `task` and keeps the lock's connection alive meanwhile. The task is not cancelled when that fails."""
    while not (await asyncio.wait([task], timeout=_PING_S))[0]:
        if on_wait is not None:
            on_wait()
        await connection.execute("SELECT 1")
    return task.result()


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return
