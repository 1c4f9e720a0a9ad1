"""Answers that take equally long, whatever happened inside."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def at_least(seconds: float) -> AsyncIterator[None]:
    """Does not end before `seconds` have passed, if the body succeeds."""
    started = time.monotonic()
    yield
    await asyncio.sleep(max(0.0, seconds - (time.monotonic() - started)))
