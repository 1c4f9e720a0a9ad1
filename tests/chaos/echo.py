"""A server that says again what it is told, and its clients: for tests of what stands between them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

HELLO = b"hello"
ABSENCE_S = 0.1
"""So long nothing has to arrive where something is held."""


@dataclass
class Echo:
    """A server that sends back what it gets; `got` is that of all connections, `errors` how they broke."""

    got: bytearray = field(default_factory=bytearray)
    errors: list[type[Exception]] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while data := await reader.read(65536):
                self.got += data
                writer.write(data)
                await writer.drain()
        except OSError as error:
            self.errors.append(type(error))
        finally:
            self.connections -= 1
            writer.close()


@dataclass
class Client:
    """Of an echo."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def of(cls, address: str) -> Self:
        """Connects to host and port."""
        host, _, port = address.rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def asks(self, data: bytes = HELLO) -> bytes:
        """The answer of the same length. Raises asyncio.IncompleteReadError, ConnectionResetError."""
        self.writer.write(data)
        async with asyncio.timeout(5):
            return await self.reader.readexactly(len(data))

    async def hears_nothing(self) -> bool:
        """Whether nothing arrives, not even an end."""
        try:
            async with asyncio.timeout(ABSENCE_S):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def served(echo: Echo) -> AsyncIterator[str]:
    """Its host and port, for the length of the block."""
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    try:
        yield "127.0.0.1:{1}".format(*server.sockets[0].getsockname())
    finally:
        server.close()
