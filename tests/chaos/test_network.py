"""The faults of the network do what they say to connections, and leave the way as it was."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from random import Random

import pytest

from .echo import HELLO, Client, Echo, served
from .history import Json
from .network import SERVERS, SILENCES, TOLD, Network, Proxies
from .proxy import Proxy

SEEDS = range(24)


class Hasty(Random):
    """Chooses as any other, but for times, which are a hundredth."""

    def uniform(self, a: float, b: float) -> float:
        return super().uniform(a, b) / 100


@pytest.fixture
async def proxies() -> AsyncIterator[Proxies]:
    async with AsyncExitStack() as opened:
        found = {}
        for server in SERVERS:
            address = await opened.enter_async_context(served(Echo()))
            found[server] = Proxy(partial(str, address))
            await opened.enter_async_context(found[server].open())
        yield found


async def told(proxies: Proxies, sort: str, seed: int) -> Json:
    """What a fault says that it did; before and after it, everybody gets through to both servers."""
    clients = [await Client.of(proxy.address) for proxy in proxies.values()]
    assert [await client.asks() for client in clients] == [HELLO, HELLO]
    network = Network(proxies, Hasty(seed))
    done: Json = await (network.cut if sort == "cut" else network.slow)("")
    late = [await Client.of(proxy.address) for proxy in proxies.values()]
    assert [await client.asks() for client in late] == [HELLO, HELLO]
    for client in (*clients, *late):
        client.writer.close()
    return done


async def test_cuts_are_of_every_sort_and_leave_the_way_open(proxies: Proxies) -> None:
    found = [await told(proxies, "cut", seed) for seed in SEEDS]
    silences, halves = {f"silence {which}" for which in SILENCES}, {f"half-open, {told} told" for told in TOLD}
    assert {one["how"] for one in found} == {"reset", "closed"} | silences | halves
    assert {one["producer"] for one in found} == set(SERVERS)
    assert {one["gone"] for one in found if "gone" in one} == {True, False}
    assert any(one.get("connections") for one in found)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_slow_network_is_as_fast_as_before_afterwards(proxies: Proxies, seed: int) -> None:
    done = await told(proxies, "slow", seed)
    assert done["producer"] in SERVERS
    assert done["latency_s"] > 0
