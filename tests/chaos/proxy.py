"""A TCP proxy that does to connections what networks do: breaks them, swallows what they carry, and is slow."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

PIECE = 16384
"""Bytes that are passed on at a time."""

TO_SERVER, TO_CLIENTS = "to the server", "to clients"
BOTH_WAYS = (TO_SERVER, TO_CLIENTS)
CLIENTS, SERVER = 0, 1
"""The ends of a connection."""

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time at all: closing then sends RST in place of FIN (socket(7))."""


@dataclass
class Way:
    """One direction of all connections."""

    free: asyncio.Event = field(default_factory=asyncio.Event)
    latency_s: float = 0.0
    bytes_per_s: float = float("inf")

    def __post_init__(self) -> None:
        self.free.set()

    async def pass_on(self, size: int) -> None:
        """Returns when so many bytes of one connection have arrived at the other end."""
        await asyncio.sleep(self.latency_s + size / self.bytes_per_s)
        await self.free.wait()


@dataclass(eq=False)
class _Link:
    """One connection: the ends that it has by now, whether it carries what comes, and the task that does."""

    ends: list[asyncio.StreamWriter]
    free: asyncio.Event = field(default_factory=asyncio.Event)
    carrying: "asyncio.Task[None] | None" = None

    def __post_init__(self) -> None:
        self.free.set()

    def cut(self, *, reset: bool) -> None:
        """Ends it at once, in the middle of whatever it carries."""
        for end in self.ends:
            _abort(end, reset=reset)
        if self.carrying is not None:
            self.carrying.cancel()

    def forget(self, end: int) -> None:
        """Resets one end; the other is not told, and whatever it sends is lost."""
        self.free.clear()
        for writer in self.ends[end : end + 1]:
            _abort(writer, reset=True)

    async def pump(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes on what is read until it ends; then that too."""
        with suppress(OSError):
            while data := await reader.read(PIECE):
                await way.pass_on(len(data))
                await self.free.wait()
                writer.write(data)
                await writer.drain()
        await way.pass_on(0)
        await self.free.wait()
        writer.close()


class Proxy:
    """Leads from a port of its own to a server; `server` is asked at each new connection and may not know it yet."""

    def __init__(self, server: Callable[[], str | None]) -> None:
        self._server = server
        self._ways = {way: Way() for way in BOTH_WAYS}
        self._links: list[_Link] = []
        self.address = ""
        """Host and port, once it is open."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listens for the length of the block."""
        server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.address = "127.0.0.1:{1}".format(*server.sockets[0].getsockname())
        try:
            yield
        finally:
            server.close()
            self.cut(self.links, reset=False)
            if carrying := [link.carrying for link in self._links if link.carrying]:
                await asyncio.wait(carrying)

    @property
    def links(self) -> Sequence[_Link]:
        """The connections of this moment, the oldest first."""
        return list(self._links)

    def cut(self, links: Sequence[_Link], *, reset: bool) -> None:
        """Ends these connections for both sides, by RST or by FIN; what was under way is lost. New ones get through."""
        for link in links:
            link.cut(reset=reset)

    @contextmanager
    def silent(self, *ways: str) -> Iterator[None]:
        """For the length of the block nothing arrives that goes these ways, nor the end of a connection: as in a black
        hole whose packets are sent again until they come through."""
        for way in ways:
            self._ways[way].free.clear()
        try:
            yield
        finally:
            for way in ways:
                self._ways[way].free.set()

    @contextmanager
    def half_open(self, told: int) -> Iterator[None]:
        """The connections of this moment are reset for one end alone; the other learns of it at the end of the block.
        New ones get through."""
        links = self.links
        for link in links:
            link.forget(told)
        try:
            yield
        finally:
            self.cut(links, reset=True)

    @contextmanager
    def slow(self, latency_s: float, bytes_per_s: float) -> Iterator[None]:
        """For the length of the block each piece comes so late, and each connection carries no more than that."""
        for way in self._ways.values():
            way.latency_s, way.bytes_per_s = latency_s, bytes_per_s
        try:
            yield
        finally:
            for way in self._ways.values():
                way.latency_s, way.bytes_per_s = 0.0, float("inf")

    async def _pass(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        link = _Link([to_client])
        link.carrying = asyncio.create_task(self._carry(link, client, to_client))
        self._links.append(link)
        await asyncio.wait([link.carrying])
        self._links.remove(link)
        for end in link.ends:
            end.close()

    async def _carry(self, link: _Link, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        there, back = self._ways[TO_SERVER], self._ways[TO_CLIENTS]
        await there.pass_on(0)
        with suppress(OSError):
            server, to_server = await self._connect()
            link.ends.append(to_server)
            await asyncio.gather(link.pump(there, client, to_server), link.pump(back, server, to_client))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        address = self._server()
        if address is None:
            raise ConnectionRefusedError
        host, _, port = address.rpartition(":")
        return await asyncio.open_connection(host, int(port))


def _abort(end: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset:
        with suppress(OSError):  # it may be gone already
            end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.transport.abort()
