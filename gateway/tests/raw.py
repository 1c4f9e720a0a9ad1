"""HTTP by hand: bytes in, answers out, for what no client library would send."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit


class Connection:
    """A TCP connection to a gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, address: str) -> "Connection":
        parts = urlsplit(address)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def send(self, *lines: str | bytes, end: bool = True) -> None:
        """Lines of a head, with `end` the blank line behind it."""
        encoded = [line.encode() if isinstance(line, str) else line for line in lines]
        self._writer.write(b"\r\n".join(encoded) + (b"\r\n\r\n" if end else b""))
        await self._writer.drain()

    async def answer(self, within: float = 10) -> tuple[int, dict[str, str], bytes]:
        """The next answer that has a length: status, headers, body."""
        async with asyncio.timeout(within):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return int(head[0].split()[1]), headers, body

    async def problem(self, within: float = 10) -> tuple[int, str]:
        """The next answer, which is a whole problem: status and slug."""
        status, headers, body = await self.answer(within)
        found: dict[str, Any] = json.loads(body)
        assert headers["content-type"] == "application/problem+json"
        assert found["status"] == status
        assert found["request_id"]
        return status, found["type"].removeprefix("urn:stoa:problem:")

    async def closed(self, within: float = 10) -> bytes:
        """What still comes before the gateway closes the connection."""
        async with asyncio.timeout(within):
            try:
                return await self._reader.read()
            except ConnectionResetError:
                return b""

    def close(self) -> None:
        self._writer.close()
