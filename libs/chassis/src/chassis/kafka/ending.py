"""A trap of aiokafka: while a broker is away the end of a client may take for ever, or fail in one of its own tasks."""

import asyncio
from collections.abc import Awaitable


async def let_end(stop: Awaitable[None], within_s: float) -> None:
    """Lets a client end, and waits so long for it. It is never cancelled: a producer's sender that is cancelled hangs
    the sends of its successors. An error of a client that nobody uses any more says nothing new."""
    stopping = asyncio.ensure_future(stop)
    stopping.add_done_callback(_is_no_news)
    await asyncio.wait([stopping], timeout=within_s)


def _is_no_news(stopped: "asyncio.Future[None]") -> None:
    if not stopped.cancelled():
        stopped.exception()
