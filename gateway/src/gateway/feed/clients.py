"""Kafka clients for the length of a block."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

START_S = 10.0
STOP_S = 5.0


@asynccontextmanager
async def started(start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Starts a client, and lets it finish for 5 s. Raises KafkaError or TimeoutError when it does not start.

    Its end is never cancelled: a producer's sender that is cancelled hangs the sends of others.
    """
    try:
        async with asyncio.timeout(START_S):
            await start()
        yield
    finally:
        stopping = asyncio.ensure_future(stop())
        await asyncio.wait([stopping], timeout=STOP_S)
        if stopping.done() and not stopping.cancelled():
            stopping.exception()  # a client whose broker is away may end with an error, which says nothing new
