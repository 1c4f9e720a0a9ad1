"""P12, P13: one event to a thousand clients of the feed, and ten thousand clients to whom nothing happens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeAlias
from uuid import UUID

from chassis.core import Actor, new_id
from chassis.kafka.connection import Kafka
from chassis.outbox.store import Outgoing
from chassis.testing.waiting import eventually
from chassis.use_case import Context
from contracts.chats.v1 import ChatOpened, ChatState
from contracts.gateway.topics import FEED
from gateway.feed.positions import key_of, partition_of
from gateway.settings import Settings

from ...replica import second
from ..bench import Bench
from ..feed import Counter, connected, counting
from ..figures import Figure, at_least, at_least_times, at_most
from ..processes import baseline, cpu_seconds, proportional_set_mb
from ..turns import Sample, Side

_CLIENTS, _EVENTS = 1_000, 100
_IDLE = 10_000
_FIRST = 200
_FRAME = b"id: 0123456789.3.123456\nevent: chats.chat-opened\ndata: %s\n\n" % (b"x" * 900)

Publish: TypeAlias = Callable[[], Awaitable[None]]


async def fan_out(bench: Bench) -> list[Figure]:
    """P12: the next event is published when all have the last, by a replica that does nothing else."""
    async with baseline("fan_out") as (bare_pid, bare), _feed(bench) as publish:
        with second(bench.stack, "gateway") as gateway:
            async with (
                connected(bare, 1) as [sender],
                connected(bare, _CLIENTS) as readers,
                counting(gateway.url, bench.token, _CLIENTS) as clients,
            ):

                async def write() -> None:
                    sender.transport.write(_FRAME)

                sides = {"bare": _fan(bare_pid, readers, write), "ours": _fan(gateway.pid, clients, publish)}
                found = await bench.in_turn("P12", sides)
    per_core = found.both("ours", "bare", "per core")
    what = f"events to {_CLIENTS:,} clients, per second of the process' time"
    return [Figure("P12", what, "1/s", *per_core, "bare socket writer", at_least_times(0.5))]


def _fan(pid: int, readers: Sequence[Counter], publish: Publish) -> Side:
    async def side() -> Sample:
        spent = cpu_seconds([pid])
        for _ in range(_EVENTS):
            expected = readers[0].events + 1
            await publish()
            await eventually(partial(_all_at, readers, expected), within=30)
        return {"per core": _EVENTS * len(readers) / (cpu_seconds([pid]) - spent)}

    return side


async def _all_at(readers: Sequence[Counter], count: int) -> bool:
    return all(reader.events >= count for reader in readers)


async def idle(bench: Bench) -> list[Figure]:
    """P13: the memory that a stream takes, once all are open."""
    with second(bench.stack, "gateway") as gateway:
        async with counting(gateway.url, bench.token, _FIRST):
            pass  # what is made once is not counted
        before = proportional_set_mb([gateway.pid])
        async with counting(gateway.url, bench.token, _IDLE) as clients:
            taken = 1024 * (proportional_set_mb([gateway.pid]) - before) / _IDLE
            spent = cpu_seconds([gateway.pid])
            await asyncio.sleep(5)
            busy = 100 * (cpu_seconds([gateway.pid]) - spent) / 5
            open_ = sum(not client.transport.is_closing() for client in clients)
    return [
        Figure("P13", "streams of one process", "", [open_], goal=at_least(_IDLE)),
        Figure("P13", "memory of an idle stream", "KiB", [taken], goal=at_most(25)),
        Figure("P13", "processor time of all of them, with heartbeats", "% of a core", [busy]),
    ]


@asynccontextmanager
async def _feed(bench: Bench) -> AsyncIterator[Publish]:
    """Puts an event of the bench's organisation on the feed, as the feed worker does."""
    values = {name.removeprefix("STOA_").lower(): value for name, value in bench.stack.settings_of("gateway").items()}
    kafka = Kafka.of(Settings.model_validate(values), client_id="bench")
    org_id = bench.organisation.id
    producer = kafka.producer()
    await producer.start()

    async def publish() -> None:
        message = _event(org_id, bench.organisation.founder.id)
        await producer.send_and_wait(
            kafka.topic(FEED.name),
            message.value,
            key_of(org_id),
            partition=partition_of(org_id),
            headers=message.headers,
        )

    yield publish
    await producer.stop()


def _event(org_id: UUID, user_id: UUID) -> Outgoing:
    chat_id = new_id()
    about = {"chat_id": chat_id, "participants": (user_id,), "agent_id": None}
    state = ChatState(**about, organisation_id=org_id, title="", status="open")
    context = Context(actor=Actor.system("bench"), org_id=org_id, role=None, correlation_id=new_id())
    event = ChatOpened(**about, title="x" * 150, state=state)
    return Outgoing.of(event, context, key=str(chat_id), sequence=1, org_id=org_id)
