"""What runs can be ended from outside, and nothing else's cancellation is swallowed."""

import asyncio

import pytest

from gateway.cut import DISCONNECTED, Cut


async def test_what_is_ended_stops_and_the_code_behind_goes_on() -> None:
    cut = Cut()
    asyncio.get_running_loop().call_soon(cut.end, "enough")
    with cut:
        await asyncio.Event().wait()
    assert cut.reason == "enough"
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_what_ends_by_itself_has_no_reason() -> None:
    with Cut() as cut:
        await asyncio.sleep(0)
    assert cut.reason is None


async def test_ending_it_afterwards_does_nothing() -> None:
    with Cut() as cut:
        pass
    cut.end("late")
    await asyncio.sleep(0)
    assert cut.reason is None


async def test_the_first_reason_stands() -> None:
    cut = Cut()
    loop = asyncio.get_running_loop()
    loop.call_soon(cut.end, "first")
    loop.call_soon(cut.end, "second")
    with cut:
        await asyncio.Event().wait()
    assert cut.reason == "first"


async def test_a_cancellation_from_elsewhere_passes_through() -> None:
    async def work() -> None:
        with Cut():
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_exception_passes_through() -> None:
    with pytest.raises(ValueError, match="mine"), Cut():
        raise ValueError("mine")


async def test_the_inner_one_can_be_ended_without_the_outer() -> None:
    with Cut() as outer:
        with Cut() as inner:
            asyncio.get_running_loop().call_soon(inner.end, "inner")
            await asyncio.Event().wait()
        await asyncio.sleep(0)
    assert (inner.reason, outer.reason) == ("inner", None)


async def test_the_outer_one_ends_the_inner_with_it() -> None:
    with Cut() as outer:
        asyncio.get_running_loop().call_soon(outer.end, "outer")
        with Cut() as inner:
            await asyncio.Event().wait()
        raise AssertionError("not reached")
    assert (inner.reason, outer.reason) == (None, "outer")


async def test_a_client_that_goes_away_ends_it() -> None:
    messages = iter([{"type": "http.request"}, {"type": "http.disconnect"}])

    async def receive() -> dict[str, str]:
        await asyncio.sleep(0)
        return next(messages)

    with Cut() as cut:
        cut.end_on_disconnect(receive)
        await asyncio.Event().wait()
    assert cut.reason == DISCONNECTED
