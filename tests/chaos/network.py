"""The faults `cut` and `slow`: what networks do between our processes and PostgreSQL or Kafka."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from random import Random
from typing import TypeAlias

from ..stack import Stack
from .history import Json
from .proxy import BOTH_WAYS, CLIENTS, SERVER, TO_CLIENTS, TO_SERVER, Proxy

SORTS = ("cut", "slow")
SERVERS = ("kafka", "postgres")
TOLD = {"clients": CLIENTS, "the server": SERVER}
SILENCES = {"both ways": BOTH_WAYS, TO_SERVER: (TO_SERVER,), TO_CLIENTS: (TO_CLIENTS,)}

Proxies: TypeAlias = Mapping[str, Proxy]
"""By the name of the server before which it stands."""


@asynccontextmanager
async def before_servers(stack: Stack, servers: Iterable[str]) -> AsyncIterator[Proxies]:
    """A proxy before each of these servers of the stack, which has to be told their addresses when it is started."""
    proxies = {server: Proxy(partial(stack.listens_at, server)) for server in servers}
    async with AsyncExitStack() as opened:
        for proxy in proxies.values():
            await opened.enter_async_context(proxy.open())
        yield proxies


class Network:
    """Harms the way to one server at a time. It is well again when a fault has ended."""

    def __init__(self, proxies: Proxies, random: Random) -> None:
        self._proxies, self._random = proxies, random

    async def cut(self, _: str) -> Json:
        """Connections break at any byte, for some seconds; or only one end is told; or nothing arrives any more."""
        server = self._random.choice(SERVERS)
        harm = self._random.choice((self._break, self._half_open, self._silence))
        return {"producer": server, **await harm(self._proxies[server])}

    async def slow(self, _: str) -> Json:
        """As over a bad line: each answer comes late, and big ones very late."""
        server = self._random.choice(SERVERS)
        latency_s, bytes_per_s = self._random.uniform(0.02, 0.4), self._random.choice((50_000, 200_000, 1_000_000))
        seconds = self._random.uniform(5, 15)
        with self._proxies[server].slow(latency_s, bytes_per_s):
            await asyncio.sleep(seconds)
        return {"producer": server, "seconds": seconds, "latency_s": latency_s, "bytes_per_s": bytes_per_s}

    async def _break(self, proxy: Proxy) -> Json:
        reset, share = self._random.random() < 0.5, self._random.choice((0.1, 0.5, 1.0))
        left, broken = self._random.uniform(1, 8), 0
        # Chances of its own: how many are taken depends on the connections, what the seed does next must not.
        random = Random(self._random.random())
        while left > 0:
            chosen = [link for link in proxy.links if random.random() < share]
            proxy.cut(chosen, reset=reset)
            broken += len(chosen)
            pause = random.uniform(0.05, 1)
            await asyncio.sleep(pause)
            left -= pause
        return {"how": "reset" if reset else "closed", "share": share, "connections": broken}

    async def _half_open(self, proxy: Proxy) -> Json:
        """Whoever is not told believes in the connection for some seconds more, and the locks of its session stay."""
        told, seconds = self._random.choice(sorted(TOLD)), self._random.uniform(3, 20)
        with proxy.half_open(TOLD[told]):
            await asyncio.sleep(seconds)
        return {"how": f"half-open, {told} told", "seconds": seconds}

    async def _silence(self, proxy: Proxy) -> Json:
        """In the end what was held arrives, or the connections turn out to be gone."""
        which, gone = self._random.choice(sorted(SILENCES)), self._random.random() < 0.5
        seconds = self._random.uniform(3, 20)
        with proxy.silent(*SILENCES[which]):
            await asyncio.sleep(seconds)
            if gone:
                proxy.cut(proxy.links, reset=True)
        return {"how": f"silence {which}", "seconds": seconds, "gone": gone}
