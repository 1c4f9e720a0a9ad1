"""The end of a client that nobody uses any more."""

import asyncio
import gc

from chassis.kafka.ending import let_end
from chassis.testing.complaints import complaints


async def test_an_end_that_takes_long_is_left_to_itself_and_what_it_raises_is_told_to_nobody() -> None:
    go_on, failed = asyncio.Event(), asyncio.Event()

    async def stop() -> None:
        await go_on.wait()
        failed.set()
        raise KeyError("a batch")

    with complaints() as told:
        await let_end(stop(), 0.01)
        assert not failed.is_set()
        go_on.set()
        await failed.wait()
        await asyncio.sleep(0)
        gc.collect()
    assert told == []
