"""Kafka clients for the length of a block."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from chassis.kafka.ending import let_end

START_S = 10.0
STOP_S = 5.0


@asynccontextmanager
async def started(start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Starts a client, and lets it finish for 5 s. Raises KafkaError or TimeoutError when it does not start."""
    try:
        async with asyncio.timeout(START_S):
            await start()
        yield
    finally:
        await let_end(stop(), STOP_S)
