"""What an event loop would only log: exceptions in callbacks, and those of tasks that nobody took."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def complaints() -> Iterator[list[object]]:
    """Those of the running loop for the length of the block."""
    loop, told = asyncio.get_running_loop(), list[object]()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: told.append(context))
    try:
        yield told
    finally:
        loop.set_exception_handler(before)
