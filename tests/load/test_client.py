import asyncio

import pytest

from . import client
from .client import Client, request

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


async def _connections(*, asked: int) -> int:
    """How many connections a client opens for so many requests, one after the other."""
    opened = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        while await reader.readline() != b"":
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_ANSWER)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, Client(url) as asking:
        for _ in range(asked):
            assert await asking.succeeds(request("GET", "/"))
    return opened


async def test_a_connection_is_used_again() -> None:
    assert await _connections(asked=3) == 1


async def test_one_that_has_rested_for_long_is_not_since_its_server_may_close_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "_LONGEST_REST_S", 0.0)
    assert await _connections(asked=3) == 3
