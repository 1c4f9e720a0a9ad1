"""Clients of the live feed: one that hands over each event with the moment at which it came, and many that count."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import orjson

from chassis.testing.waiting import eventually

from .client import request

OnEvent = Callable[[float, dict[str, Any]], None]
"""Is called with seconds since 1970 and the event."""


@asynccontextmanager
async def listening(url: str, token: str, on_event: OnEvent) -> AsyncIterator[None]:
    """Reads `GET /api/v1/events` for the length of the block; returns when the stream has begun."""
    host, _, port = urlsplit(url).netloc.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=2**22)
    writer.write(request("GET", "/api/v1/events", token))
    status = await reader.readline()
    if b" 200 " not in status:
        raise ConnectionError(f"the feed answers {status!r}")
    while not (await reader.readline()).startswith(b"id: "):
        pass
    reading = asyncio.create_task(_read(reader, on_event))
    try:
        yield
    finally:
        reading.cancel()
        writer.close()
        with suppress(asyncio.CancelledError):
            await reading


async def _read(reader: asyncio.StreamReader, on_event: OnEvent) -> None:
    """Lines of the chunked coding lie between those of the stream, and look like none of them."""
    while line := await reader.readline():
        if line.startswith(b"data: "):
            on_event(time.time(), orjson.loads(line[6:]))
    raise ConnectionError("the stream has ended")


_EVENT = b"\nevent: "
_AT_ONCE = 200


class Counter(asyncio.Protocol):
    """Counts the events of a stream, and costs next to nothing."""

    def __init__(self) -> None:
        self.begun = False
        self.events = 0
        self._end = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.begun = True
        read = self._end + data
        self.events += read.count(_EVENT)
        self._end = read[1 - len(_EVENT) :]


@asynccontextmanager
async def counting(url: str, token: str, count: int) -> AsyncIterator[list[Counter]]:
    """So many clients of the feed, all of whose streams have begun."""
    async with connected(url, count) as clients:
        for client in clients:
            client.transport.write(request("GET", "/api/v1/events", token))

        async def begun() -> bool:
            return all(client.begun for client in clients)

        await eventually(begun, within=30)
        yield clients


@asynccontextmanager
async def connected(url: str, count: int) -> AsyncIterator[list[Counter]]:
    """So many connections to an address, opened some at a time."""
    host, _, port = urlsplit(url).netloc.partition(":")
    made, loop = list[Counter](), asyncio.get_running_loop()
    try:
        while len(made) < count:
            some = min(_AT_ONCE, count - len(made))
            opened = await asyncio.gather(*(loop.create_connection(Counter, host, int(port)) for _ in range(some)))
            made += [counter for _, counter in opened]
        yield made
    finally:
        for counter in made:
            counter.transport.abort()
