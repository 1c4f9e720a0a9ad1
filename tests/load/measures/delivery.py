"""P7, P8: from a write in one service to the row in another, and to a client of the feed, through real processes."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from chassis.testing.waiting import eventually

from ...people import Organisation
from ..bench import Bench
from ..client import Client, request
from ..feed import listening
from ..figures import Figure, at_most, at_most_times
from ..pace import Load, open_loop
from ..turns import Sample, Side

_RATE, _SECONDS, _CHATS = 200.0, 4.0, 20
_BARE = "bare Kafka, end to end"
_CHANNEL = "bench_projected"
_TELL = f"""
CREATE OR REPLACE FUNCTION bench_tell() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_notify('{_CHANNEL}', NEW.id::text); RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER bench_tell AFTER INSERT ON chats FOR EACH ROW EXECUTE FUNCTION bench_tell();
"""
_TELL_NO_MORE = "DROP FUNCTION bench_tell CASCADE"


async def projected(bench: Bench) -> list[Figure]:
    """P7: from the moment that chats notes as the chat's opening until PostgreSQL tells that agent has committed it."""
    async with _bare(bench) as bare, _projections(bench) as arrivals, Client(bench.stack.urls["chats"]) as client:
        found = await bench.in_turn("P7", {"bare": bare, "ours": lambda: _opened(bench, client, arrivals)})
    p50, p99 = found.both("ours", "bare", "p50"), found.both("ours", "bare", "p99")
    what = f"write begun to row in another service, {_RATE:g}/s"
    return [
        Figure("P7", f"{what}, p50", "ms", *p50, _BARE, at_most_times(3)),
        Figure("P7", f"{what}, p99", "ms", *p99, _BARE, at_most_times(3)),
    ]


async def _opened(bench: Bench, client: Client, arrivals: dict[str, float]) -> Sample:
    opened = dict[str, float]()
    post = request("POST", "/api/v1/chats", bench.token, {"title": "Plans"})

    async def send(_: int) -> bool:
        answer = await client.ask(post)
        if answer.status == 201:
            opened[answer.json["id"]] = datetime.fromisoformat(answer.json["opened_at"]).timestamp()
        return answer.status == 201

    load = await open_loop(_RATE, _SECONDS, send)
    await eventually(lambda: _all_in(opened, arrivals))
    return _quantiles([arrivals[chat] - began for chat, began in opened.items()], load)


async def _all_in(wanted: dict[str, float], arrivals: dict[str, float]) -> bool:
    return wanted.keys() <= arrivals.keys()


@asynccontextmanager
async def _projections(bench: Bench) -> AsyncIterator[dict[str, float]]:
    """When each chat was committed in agent's database, as soon as PostgreSQL tells it."""
    arrivals = dict[str, float]()
    connection = await asyncpg.connect(bench.admin_dsn("agent"))
    await connection.execute(_TELL)
    await connection.add_listener(_CHANNEL, lambda *told: arrivals.setdefault(told[-1], time.time()))
    yield arrivals
    await connection.execute(_TELL_NO_MORE)
    await connection.close()


async def seen_live(bench: Bench) -> list[Figure]:
    """P8: from the moment at which the event was made, before its commit, until a client of the feed has read it."""
    chats = [await asyncio.to_thread(a_chat, bench.organisation) for _ in range(_CHATS)]
    latencies = list[float]()

    def on_event(now: float, event: dict[str, Any]) -> None:
        if event.get("kind") == "chats.message-sent":
            latencies.append(now - datetime.fromisoformat(event["time"]).timestamp())

    feed = listening(bench.stack.url, bench.token, on_event)
    async with _bare(bench) as bare, Client(bench.stack.urls["chats"]) as client, feed:
        sides: dict[str, Side] = {"bare": bare, "ours": lambda: _sent(bench, client, chats, latencies)}
        found = await bench.in_turn("P8", sides)
    p50, p99 = found.both("ours", "bare", "p50"), found.both("ours", "bare", "p99")
    what = f"commit to a client of the feed, {_RATE:g}/s"
    return [
        Figure("P8", f"{what}, p50", "ms", *p50, _BARE, at_most_times(5)),
        Figure("P8", f"{what}, p50", "ms", *p50, _BARE, at_most(5)),
        Figure("P8", f"{what}, p99", "ms", *p99, _BARE, at_most(15)),
    ]


def a_chat(organisation: Organisation) -> str:
    """A chat of the founder, without an agent; the path of its messages."""
    chat = organisation.founder.call("POST", "/api/v1/chats", 201, json={"title": "Plans"})
    return f"/api/v1/chats/{chat['id']}/messages"


async def _sent(bench: Bench, client: Client, chats: list[str], latencies: list[float]) -> Sample:
    latencies.clear()
    posts = [request("POST", chat, bench.token, {"text": "the quick brown fox"}) for chat in chats]
    load = await open_loop(_RATE, _SECONDS, lambda number: client.succeeds(posts[number % _CHATS]))

    async def all_seen() -> bool:
        return len(latencies) >= _RATE * _SECONDS - load.failed

    await eventually(all_seen)
    return _quantiles(latencies, load)


def _quantiles(latencies: list[float], load: Load) -> Sample:
    if load.failed:
        raise RuntimeError(f"{load.failed} writes failed")
    measured = Load(load.seconds, 0, list(latencies))
    return {"p50": measured.ms(0.5), "p99": measured.ms(0.99)}


@asynccontextmanager
async def _bare(bench: Bench) -> AsyncIterator[Side]:
    """A producer and a consumer in this process, one partition, the settings of ours."""
    topic, kafka = f"bench-{uuid4().hex[:8]}", bench.stack.kafka
    admin = AIOKafkaAdminClient(**kafka)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    consumer = AIOKafkaConsumer(**kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True)
    await consumer.start()
    consumer.assign([TopicPartition(topic, 0)])
    await producer.start()

    async def side() -> Sample:
        latencies = list[float]()
        count = int(_RATE * _SECONDS)

        async def send(_: int) -> bool:
            await producer.send(topic, f"{time.time():.6f} {'x' * 900}".encode())
            return True

        async def read() -> None:
            while len(latencies) < count:
                record = await consumer.getone()
                latencies.append(time.time() - float(record.value.partition(b" ")[0]))

        reading = asyncio.create_task(read())
        load = await open_loop(_RATE, _SECONDS, send)
        await reading
        return _quantiles(latencies, load)

    try:
        yield side
    finally:
        await consumer.stop()
        await producer.stop()
        await admin.delete_topics([topic])
        await admin.close()
