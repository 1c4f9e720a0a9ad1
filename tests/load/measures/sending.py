"""P5, P6: how fast the relay empties a full outbox, and how soon the broker has what was written.

Writer and relay are in this process, as in a service, over a database that no other process looks at.
"""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaProducer

from chassis.health import Status
from chassis.kafka import connection
from chassis.kafka.connection import Kafka
from chassis.outbox.relay import Relay
from chassis.testing.topics import topics_on
from chassis.testing.waiting import eventually, running
from contracts.modules.topics import MODULES
from modules.settings import Settings

from ..bench import Bench
from ..figures import Figure, at_least_times, at_most, at_most_times
from ..pace import Load, open_loop
from ..turns import Sample, Side
from ..writer import Writer

_ROWS, _KEYS = 20_000, 200
_RATE, _SECONDS = 500.0, 4.0
_PATIENCE_S = 60.0

_FILL = """
INSERT INTO outbox (topic, key, sequence, headers, value)
SELECT topic, $1::text || '-' || n % $3, n / $3 + 1, headers, value
FROM (SELECT * FROM outbox ORDER BY id DESC LIMIT 1) AS one, generate_series(0, $2 - 1) AS n ORDER BY n
"""
_UNSENT = "SELECT EXISTS (SELECT FROM outbox WHERE sent_at IS NULL)"
_INSERT = """
INSERT INTO outbox (topic, key, headers, value, sent_at) VALUES ('t', 'k', '[]', repeat('x', 600)::bytea, now());
"""
_RATE_OF_PGBENCH = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_PGBENCH = "single-row inserts, pgbench, 8 sessions"
_BARE = "commit, then bare produce"


async def drain(bench: Bench) -> list[Figure]:
    """P5: rows a second that leave a full outbox. Without pgbench on the path the row has no baseline."""
    async with bench.database_of("modules", Settings) as settings, _relayed(settings) as (writer, _):
        sides: dict[str, Side] = {"relay": lambda: _drained(writer, settings)}
        if shutil.which("pgbench"):
            sides["pgbench"] = lambda: _inserted(settings)
        found = await bench.in_turn("P5", sides)
    if "pgbench" not in sides:
        return [Figure("P5", "rows sent by the relay", "1/s", found.of("relay", "rate"))]
    rates = found.both("relay", "pgbench", "rate")
    return [Figure("P5", "rows sent by the relay", "1/s", *rates, _PGBENCH, at_least_times(0.6))]


async def acknowledgement(bench: Bench) -> list[Figure]:
    """P6: from the moment at which a write was due until the broker has acknowledged its event, at a fixed rate."""
    async with bench.database_of("modules", Settings) as settings:
        acks = _Acks()
        with patch.object(connection, "AIOKafkaProducer", _noting(acks)):
            async with _relayed(settings) as (writer, kafka), _producer(kafka) as producer:
                sides: dict[str, Side] = {
                    "bare": lambda: _acknowledged_bare(writer, kafka, producer),
                    "ours": lambda: _acknowledged(writer, acks),
                }
                found = await bench.in_turn("P6", sides)
    p50, p99 = found.both("ours", "bare", "p50"), found.both("ours", "bare", "p99")
    return [
        Figure("P6", f"write to acknowledgement, {_RATE:g}/s, p50", "ms", *p50, _BARE, at_most_times(2)),
        Figure("P6", f"write to acknowledgement, {_RATE:g}/s, p99", "ms", *p99, _BARE, at_most(15)),
    ]


async def _drained(writer: Writer, settings: Settings) -> Sample:
    name = str(await writer.write(writer.runner))
    async with _connected(settings) as raw:
        await raw.execute(_FILL, name, _ROWS, _KEYS)
        began = await raw.fetchval("SELECT clock_timestamp()")
        writer.outbox.wake()
        await eventually(lambda: _all_sent(raw), within=_PATIENCE_S)
        ended = await raw.fetchval("SELECT max(sent_at) FROM outbox")
    return {"rate": _ROWS / (ended - began).total_seconds()}


async def _all_sent(raw: Any) -> bool:
    return not await raw.fetchval(_UNSENT)


async def _inserted(settings: Settings) -> Sample:
    """pgbench at full speed, into the same table: rows that nobody has to send."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(_INSERT)
        script.flush()
        words = ["pgbench", "-n", "-M", "prepared", "-c", "8", "-T", "2", "-f", script.name]
        process = await asyncio.create_subprocess_exec(
            *words, settings.database_dsn.get_secret_value(), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
    told = _RATE_OF_PGBENCH.search(output.decode())
    if told is None:
        raise RuntimeError(f"pgbench told no rate: {output.decode()}")
    return {"rate": float(told[1])}


async def _acknowledged(writer: Writer, acks: "_Acks") -> Sample:
    async def send(_: int) -> bool:
        await acks.of(await writer.write(writer.runner))
        return True

    return _quantiles(await open_loop(_RATE, _SECONDS, send))


async def _acknowledged_bare(writer: Writer, kafka: Kafka, producer: AIOKafkaProducer) -> Sample:
    topic, value = kafka.topic(MODULES.name), b"x" * 900

    async def send(_: int) -> bool:
        written = await writer.write(writer.silent)
        await producer.send_and_wait(topic, value, key=str(written).encode())
        return True

    return _quantiles(await open_loop(_RATE, _SECONDS, send))


def _quantiles(load: Load) -> Sample:
    return {"p50": load.ms(0.5), "p99": load.ms(0.99)}


class _Acks:
    """What the broker has acknowledged, by key; each may be waited for before or after it came."""

    def __init__(self) -> None:
        self._known: dict[str, asyncio.Future[None]] = {}

    async def of(self, key: UUID) -> None:
        await self._future(str(key))

    def came(self, key: str) -> None:
        future = self._future(key)
        if not future.done():
            future.set_result(None)

    def _future(self, key: str) -> "asyncio.Future[None]":
        return self._known.setdefault(key, asyncio.get_running_loop().create_future())


def _noting(acks: _Acks) -> type[AIOKafkaProducer]:
    """Producers that tell of each acknowledgement."""

    class Noting(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka has no types
        async def send(self, topic: str, value: bytes, key: bytes, *more: Any, **named: Any) -> Any:
            ack = await super().send(topic, value, key, *more, **named)
            ack.add_done_callback(lambda _: acks.came(key.decode()))
            return ack

    return Noting


@asynccontextmanager
async def _relayed(settings: Settings) -> AsyncIterator[tuple[Writer, Kafka]]:
    """A writer whose outbox is sent by a relay in this process."""
    writer, kafka = Writer(settings), Kafka.of(settings, client_id="bench")
    relay = Relay(settings.database_system_dsn.get_secret_value(), kafka, writer.outbox, service="bench")

    async def ready() -> bool:
        return relay.health().status is Status.HEALTHY

    async with topics_on(kafka), running(relay), _connected(settings) as raw:
        await eventually(ready)
        yield writer, kafka
        await eventually(lambda: _all_sent(raw), within=_PATIENCE_S)
    await writer.database.close()


@asynccontextmanager
async def _producer(kafka: Kafka) -> AsyncIterator[AIOKafkaProducer]:
    producer = kafka.producer()
    await producer.start()
    yield producer
    await producer.stop()


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Any]:
    raw = await asyncpg.connect(settings.database_system_dsn.get_secret_value())
    yield raw
    await raw.close()
