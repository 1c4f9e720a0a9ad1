"""Waiting in tests: for a condition with a deadline, and for components that run meanwhile. Never a fixed sleep."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from chassis.component import Component

T = TypeVar("T")


async def eventually(probe: Callable[[], Awaitable[T]], *, within: float = 10.0) -> T:
    """Asks `probe` again until it answers something true, and returns that. After `within` seconds the test fails.

    What takes long is asked for less often: the asking takes processor time from what is waited for.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not (found := await probe()):
        waited = loop.time() - began
        if waited > within:
            raise AssertionError(f"not within {within} s: the last answer was {found!r}")
        await asyncio.sleep(min(max(waited / 10, 0.005), 0.1))
    return found


@asynccontextmanager
async def running(*components: Component) -> AsyncIterator[None]:
    """Runs components for the length of the block, then cancels them, the last first. One that ends by itself fails."""
    tasks = [asyncio.create_task(component.run(), name=component.name) for component in components]
    try:
        yield
    finally:
        ended = [task for task in tasks if task.done()]
        for task in reversed(tasks):
            task.cancel()
            await asyncio.wait([task])
        for task in ended:
            raise AssertionError(f"{task.get_name()} ended by itself") from task.exception()
