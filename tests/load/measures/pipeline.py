"""P15: the whole system at work: people write in chats through the gateway, agent reads along, fifty see it live.

The load grows until the system does not keep pace; the figure is the last rate that it did.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from chassis.testing.waiting import eventually

from ...people import Organisation
from ..bench import Bench
from ..client import Client, request
from ..feed import Counter, counting
from ..figures import Figure, at_least
from ..pace import open_loop
from ..processes import cpu_seconds
from .delivery import a_chat

_ORGANISATIONS, _CHATS, _FEED_CLIENTS = 10, 2, 5
"""So many organisations; so many chats and so many clients of the feed in each."""

_FIRST_RATE, _GROWTH, _SECONDS = 50.0, 1.25, 4.0
_P95_MS, _LAG_S = 50.0, 1.0
_READ = "SELECT consumer, sum(sequence) FROM inbox WHERE topic = 'chats-chats' GROUP BY consumer"

Piece = Callable[[int], tuple[bytes, bool]]
"""The n-th request, and whether it writes."""


async def measure(bench: Bench) -> list[Figure]:
    """Writes alone, then one write to four reads of a chat's newest messages."""
    organisations = [await asyncio.to_thread(Organisation.founded, bench.stack.url) for _ in range(_ORGANISATIONS)]
    writes, reads = list[bytes](), list[bytes]()
    for _ in range(_CHATS):
        for one in organisations:
            path, token = await asyncio.to_thread(a_chat, one), one.founder.token
            writes.append(request("POST", path, token, {"text": "the quick brown fox"}))
            reads.append(request("GET", f"{path}?limit=20", token))
    async with Client(bench.stack.url) as client, _feeds(bench, organisations) as counters:
        pipeline = _Pipeline(bench, client, counters)
        written = await pipeline.most("writes", lambda number: (writes[number % len(writes)], True), math.inf)
        mixed = await pipeline.most("mixed", lambda number: _mixed(number, writes, reads), _P95_MS)
    both = f"lag < {_LAG_S:g} s, p95 ≤ {_P95_MS:g} ms"
    return [
        Figure("P15", f"writes, lag < {_LAG_S:g} s", "1/s", [written.rate], goal=at_least(1000)),
        Figure("P15", f"one write to four reads, {both}", "1/s", [mixed.rate], goal=at_least(1500)),
        *_costs("a write", written),
        *_costs("a request of the mixture", mixed),
    ]


def _mixed(number: int, writes: list[bytes], reads: list[bytes]) -> tuple[bytes, bool]:
    """Each fifth writes; the chats follow one another for both."""
    place = number // 5 % len(writes)
    return (writes[place], True) if number % 5 == 0 else (reads[place], False)


@asynccontextmanager
async def _feeds(bench: Bench, organisations: Sequence[Organisation]) -> AsyncIterator[list[list[Counter]]]:
    """The clients of the feed, by organisation."""
    async with AsyncExitStack() as entered:
        yield [
            await entered.enter_async_context(counting(bench.stack.url, one.founder.token, _FEED_CLIENTS))
            for one in organisations
        ]


@dataclass(frozen=True)
class _Kept:
    """A rate that was kept, and the milliseconds of processor time that each process spent on a request."""

    rate: float = 0.0
    cost: Mapping[str, float] = field(default_factory=dict)


def _costs(of: str, kept: _Kept) -> list[Figure]:
    costs = {"all": sum(kept.cost.values()), **kept.cost}
    return [Figure("P15", f"processor time of {of}: {name}", "ms", [spent]) for name, spent in costs.items()]


class _Pipeline:
    def __init__(self, bench: Bench, client: Client, counters: Sequence[Sequence[Counter]]) -> None:
        self._bench = bench
        self._client = client
        self._counters = counters
        self._pids = {process: bench.pid_of(process) for process in (*bench.stack.urls, "postgres", "kafka")}

    async def most(self, what: str, piece: Piece, p95_ms: float) -> _Kept:
        """The last rate, of growing ones, with which everything kept pace."""
        await self._try(what, _FIRST_RATE, piece, p95_ms)
        rate, kept = _FIRST_RATE, _Kept()
        while (found := await self._try(what, rate, piece, p95_ms)) is not None:
            rate, kept = rate * _GROWTH, found
        return kept

    async def _try(self, what: str, rate: float, piece: Piece, p95_ms: float) -> _Kept | None:
        """None when something fell behind or failed."""
        written = 0

        async def send(number: int) -> bool:
            nonlocal written
            asked, is_write = piece(number)
            done = await self._client.succeeds(asked)
            written += done and is_write
            return done

        seen, read, spent = self._seen(), await self._read(), self._spent()
        load = await open_loop(rate, _SECONDS, send)
        ended, now = time.perf_counter(), self._spent()

        async def caught_up() -> bool:
            done = await self._read()
            return self._seen() - seen >= written and all(done[name] - read.get(name, 0) >= written for name in done)

        await eventually(caught_up, within=60)
        lag = time.perf_counter() - ended
        told = f"p95 {load.ms(0.95):.1f} ms, {load.failed} failed, lag {lag:.2f} s"
        self._bench.say(f"P15: {what} at {rate:,.0f}/s: {told}")
        if load.failed or load.ms(0.95) > p95_ms or lag >= _LAG_S:
            return None
        return _Kept(rate, {name: 1000 * (now[name] - spent[name]) / len(load.latencies) for name in spent})

    def _seen(self) -> int:
        """How many events came live, each counted once its organisation's slowest client has it."""
        return sum(min(one.events for one in counters) for counters in self._counters)

    def _spent(self) -> dict[str, float]:
        return {name: cpu_seconds([pid]) for name, pid in self._pids.items()}

    async def _read(self) -> dict[str, int]:
        """How many events each consumer of agent has applied."""
        connection = await asyncpg.connect(self._bench.admin_dsn("agent"))
        try:
            return {row["consumer"]: int(row["sum"]) for row in await connection.fetch(_READ)}
        finally:
            await connection.close()
