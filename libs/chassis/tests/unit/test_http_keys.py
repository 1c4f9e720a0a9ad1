"""Auth's keys: fetched over real HTTP, kept while auth is away, never fetched in a storm."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from joserfc.jwk import OKPKey

from chassis.health import Status
from chassis.http import keys as keys_module
from chassis.http.keys import JwksClient
from chassis.http.tokens import KeysUnavailable
from chassis.testing.tokens import signing_key
from chassis.testing.waiting import eventually, running

NOTICED_S = 2.0
"""The longest that a server is back and nobody has noticed (decision 16)."""


class KeyServer:
    """A small HTTP server with a key set; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.document: Any = {"keys": []}
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/jwks.json"

    def publish(self, *published: OKPKey) -> None:
        self.document = {"keys": [key.as_dict(private=False) for key in published]}

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        body = self.document if isinstance(self.document, bytes) else orjson.dumps(self.document)
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        writer.close()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["KeyServer"]:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        async with self._server:
            yield self


@pytest.fixture
async def server() -> AsyncIterator[KeyServer]:
    async with KeyServer().serving() as server:
        yield server


def kid(key: OKPKey) -> str:
    assert key.kid is not None
    return key.kid


async def test_a_key_is_fetched_when_it_is_first_named(server: KeyServer) -> None:
    server.publish(signing_key("a"))
    client = JwksClient(server.url)
    assert client.health().status is Status.UNHEALTHY
    found = await client.key("a")
    assert found is not None
    assert kid(found) == "a"
    assert client.health().status is Status.HEALTHY


async def test_a_storm_of_unknown_keys_is_one_fetch(server: KeyServer) -> None:
    server.publish(signing_key("a"))
    client = JwksClient(server.url)
    found = await asyncio.gather(*(client.key(f"unknown-{n}") for n in range(500)))
    assert set(found) == {None}
    assert server.asked == 1


async def test_a_new_key_is_found_without_a_restart(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_module, "FETCH_PAUSE_S", 0.0)
    server.publish(signing_key("old"))
    client = JwksClient(server.url)
    assert await client.key("old")
    server.publish(signing_key("old"), signing_key("new"))
    assert await client.key("new")


async def test_known_keys_outlive_auth(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_module, "FETCH_PAUSE_S", 0.0)
    server.publish(signing_key("a"))
    client = JwksClient(server.url)
    assert await client.key("a")
    broken: Any
    for broken in (b"no json", {"keys": []}, {"keys": "none"}, [], {"keys": [{"kty": "RSA", "kid": "r"}, 7]}):
        server.document = broken
        assert await client.key("unknown") is None
        assert await client.key("a")
        assert client.health().status is Status.DEGRADED


async def test_without_any_key_nothing_can_be_said() -> None:
    client = JwksClient("http://127.0.0.1:1/jwks.json")
    with pytest.raises(KeysUnavailable):
        await client.key("a")
    assert "127.0.0.1:1" in client.health().line


async def test_the_keys_come_by_themselves_once_auth_is_there(server: KeyServer) -> None:
    server.document = b"starting"
    client = JwksClient(server.url)

    async def healthy() -> bool:
        return client.health().status is Status.HEALTHY

    async with running(client):
        await eventually(_asked(server, 6))
        server.publish(signing_key("a"))
        await eventually(healthy, within=NOTICED_S)


def _asked(server: KeyServer, times: int) -> Callable[[], Any]:
    async def asked() -> bool:
        return server.asked >= times

    return asked


async def test_a_broken_key_among_good_ones_is_passed_over(server: KeyServer) -> None:
    good = signing_key("good").as_dict(private=False)
    server.document = {"keys": [{**good, "kid": "bad", "x": "AAAA"}, {**good, "crv": "X25519", "kid": "x"}, good]}
    client = JwksClient(server.url)
    assert await client.key("good")
    assert await client.key("bad") is None
    assert await client.key("x") is None
