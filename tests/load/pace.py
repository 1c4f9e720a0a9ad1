"""Load: at a fixed rate, whether answers come or not, or as fast as so many clients get answers."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import perf_counter

Send = Callable[[int], Awaitable[bool]]
"""Does the n-th piece of work; whether it succeeded."""


@dataclass
class Load:
    """What became of it. Latencies in seconds, of what succeeded."""

    seconds: float = 0.0
    failed: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Successes per second."""
        return len(self.latencies) / self.seconds

    def ms(self, quantile: float) -> float:
        """A latency in milliseconds, by the nearest rank; without any success it is infinite."""
        if not self.latencies:
            return math.inf
        found = sorted(self.latencies)
        return 1000 * found[min(len(found) - 1, math.ceil(quantile * len(found)) - 1)]


async def open_loop(rate: float, seconds: float, send: Send) -> Load:
    """Begins `rate` pieces a second and waits for all. A latency counts from the moment at which its piece was due, so
    that a piece that holds up others counts for all of them (to leave that out is known as coordinated omission). What
    a piece raises ends all of it, as an ExceptionGroup.
    """
    load, begun = Load(), perf_counter()

    async def one(number: int, due: float) -> None:
        if await send(number):
            load.latencies.append(perf_counter() - due)
        else:
            load.failed += 1

    async with asyncio.TaskGroup() as running:
        for number in range(int(rate * seconds)):
            due = begun + number / rate
            if (early := due - perf_counter()) > 0:
                await asyncio.sleep(early)
            running.create_task(one(number, due))
    load.seconds = perf_counter() - begun
    return load


async def closed_loop(clients: int, seconds: float, send: Send) -> Load:
    """Each client begins its next piece when its last has ended. What a piece raises ends all, as an ExceptionGroup."""
    load = Load()
    begun = perf_counter()
    numbers = iter(range(10**9))

    async def client() -> None:
        while (began := perf_counter()) - begun < seconds:
            if await send(next(numbers)):
                load.latencies.append(perf_counter() - began)
            else:
                load.failed += 1

    async with asyncio.TaskGroup() as running:
        for _ in range(clients):
            running.create_task(client())
    load.seconds = perf_counter() - begun
    return load
