"""The proxy passes bytes as they are, and breaks, silences and slows connections as it is told."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from chassis.testing.waiting import eventually

from .echo import HELLO, Client, Echo, served
from .proxy import BOTH_WAYS, CLIENTS, SERVER, TO_CLIENTS, TO_SERVER, Proxy


@dataclass
class Place:
    """An echo with a proxy before it."""

    echo: Echo
    proxy: Proxy

    async def connect(self) -> Client:
        return await Client.of(self.proxy.address)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    echo = Echo()
    async with served(echo) as address:
        proxy = Proxy(lambda: address)
        async with proxy.open():
            yield Place(echo, proxy)


async def test_bytes_arrive_as_they_are_however_many(place: Place) -> None:
    client, data = await place.connect(), bytes(range(256)) * 8000
    assert await client.asks(data) == data
    assert bytes(place.echo.got) == data


async def test_an_end_of_one_side_reaches_the_other(place: Place) -> None:
    client = await place.connect()
    await client.asks()
    client.writer.close()
    await eventually(lambda: _none(place.echo.connections))
    await eventually(lambda: _none(len(place.proxy.links)))
    assert place.echo.errors == []


async def test_a_reset_is_an_error_for_both_sides(place: Place) -> None:
    client = await place.connect()
    await client.asks()
    place.proxy.cut(place.proxy.links, reset=True)
    with pytest.raises(ConnectionResetError):
        await client.asks()
    await eventually(lambda: _none(place.echo.connections))
    assert place.echo.errors == [ConnectionResetError]


async def test_a_closed_connection_ends_for_both_sides_without_an_error(place: Place) -> None:
    client = await place.connect()
    await client.asks()
    place.proxy.cut(place.proxy.links, reset=False)
    assert await client.reader.read() == b""
    await eventually(lambda: _none(place.echo.connections))
    assert place.echo.errors == []


async def test_a_cut_ends_the_connections_that_it_names_and_no_others(place: Place) -> None:
    first, second = await place.connect(), await place.connect()
    await asyncio.gather(first.asks(), second.asks())
    place.proxy.cut(place.proxy.links[:1], reset=True)
    with pytest.raises(ConnectionResetError):
        await first.asks()
    assert await second.asks() == HELLO
    assert len(place.proxy.links) == 1
    third = await place.connect()
    assert await third.asks() == HELLO


async def test_a_connection_is_cut_in_the_middle_of_what_it_carries(place: Place) -> None:
    client = await place.connect()
    with place.proxy.slow(0.0, 1_000_000):
        asking = asyncio.create_task(client.asks(bytes(4_000_000)))
        await eventually(lambda: _some(len(place.echo.got)))
        place.proxy.cut(place.proxy.links, reset=True)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asking
    await eventually(lambda: _none(place.echo.connections))
    assert 0 < len(place.echo.got) < 4_000_000


async def test_what_a_silent_network_holds_arrives_afterwards(place: Place) -> None:
    client = await place.connect()
    await client.asks()
    with place.proxy.silent(*BOTH_WAYS):
        client.writer.write(b"later")
        assert await client.hears_nothing()
        assert bytes(place.echo.got) == HELLO
    async with asyncio.timeout(5):
        assert await client.reader.readexactly(5) == b"later"


async def test_only_the_way_back_may_be_silent(place: Place) -> None:
    client = await place.connect()
    with place.proxy.silent(TO_CLIENTS):
        client.writer.write(HELLO)
        await eventually(lambda: _some(len(place.echo.got)))
        assert await client.hears_nothing()
    async with asyncio.timeout(5):
        assert await client.reader.readexactly(5) == HELLO


async def test_a_connection_that_begins_or_ends_in_silence_does_so_for_the_server_afterwards(place: Place) -> None:
    before = await place.connect()
    await before.asks()
    with place.proxy.silent(TO_SERVER):
        during = await place.connect()
        during.writer.write(HELLO)
        before.writer.close()
        assert await during.hears_nothing()
        assert place.echo.connections == 1
    async with asyncio.timeout(5):
        assert await during.reader.readexactly(5) == HELLO
    await eventually(lambda: _none(place.echo.connections - 1))


async def test_a_connection_may_be_cut_while_it_is_held(place: Place) -> None:
    client = await place.connect()
    with place.proxy.silent(*BOTH_WAYS):
        client.writer.write(HELLO)
        await client.hears_nothing()
        place.proxy.cut(place.proxy.links, reset=True)
        with pytest.raises(ConnectionResetError):
            await client.reader.read()
    assert place.echo.got == b""


async def test_a_half_open_connection_is_over_for_clients_and_not_for_the_server(place: Place) -> None:
    client = await place.connect()
    await client.asks()
    with place.proxy.half_open(CLIENTS):
        with pytest.raises(ConnectionResetError):
            await client.asks()
        assert await (late := await place.connect()).asks() == HELLO
        assert place.echo.connections == 2
    await eventually(lambda: _none(place.echo.connections - 1))
    assert await late.asks() == HELLO


async def test_a_half_open_connection_is_over_for_the_server_and_not_for_clients(place: Place) -> None:
    client = await place.connect()
    await client.asks()
    with place.proxy.half_open(SERVER):
        client.writer.write(HELLO)
        await eventually(lambda: _none(place.echo.connections))
        assert await client.hears_nothing()
    with pytest.raises(ConnectionResetError):
        await client.reader.read()
    assert place.echo.got == HELLO


async def test_latency_is_added_each_way(place: Place) -> None:
    client = await place.connect()
    await client.asks()
    with place.proxy.slow(0.1, 1e9):
        began = time.monotonic()
        assert await client.asks() == HELLO
        assert time.monotonic() - began >= 0.2
    assert await client.asks() == HELLO


async def test_bandwidth_is_limited(place: Place) -> None:
    client = await place.connect()
    with place.proxy.slow(0.0, 100_000):
        began = time.monotonic()
        assert await client.asks(bytes(30_000)) == bytes(30_000)
        assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("address", [None, "127.0.0.1:1"])
async def test_while_the_server_is_not_there_connections_end(address: str | None) -> None:
    proxy = Proxy(lambda: address)
    async with proxy.open():
        client = await Place(Echo(), proxy).connect()
        assert await client.reader.read() == b""
    assert proxy.links == []


async def _none(count: int) -> bool:
    return count == 0


async def _some(count: int) -> bool:
    return count > 0
