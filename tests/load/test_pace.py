import asyncio
import math

import pytest

from .pace import Load, closed_loop, open_loop


async def test_who_waits_behind_another_is_measured_from_the_moment_it_was_due() -> None:
    line, last_came = asyncio.Lock(), asyncio.Event()

    async def send(number: int) -> bool:
        if number == 9:
            last_came.set()
        async with line:
            if number == 0:
                await last_came.wait()
            return True

    load = await open_loop(1_000, 0.01, send)
    found = sorted(load.latencies, reverse=True)
    assert len(found) == 10
    assert found[0] >= 0.009
    assert found[1] >= 0.008


async def test_what_failed_is_counted_and_has_no_latency() -> None:
    async def send(number: int) -> bool:
        return number % 2 == 0

    load = await open_loop(1_000, 0.01, send)
    assert (load.failed, len(load.latencies)) == (5, 5)


async def test_what_a_piece_raises_is_not_lost() -> None:
    async def send(number: int) -> bool:
        if number == 0:
            raise ConnectionError("lost")
        return True

    with pytest.raises(ExceptionGroup) as raised:
        await open_loop(1_000, 0.01, send)
    assert raised.group_contains(ConnectionError, match="lost")


async def test_each_client_begins_anew_when_its_last_has_ended() -> None:
    at_once = most = 0

    async def send(_: int) -> bool:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return True

    load = await closed_loop(3, 0.02, send)
    assert most == 3
    assert load.rate > 0


def test_a_quantile_is_one_of_the_latencies() -> None:
    load = Load(1.0, 0, [0.004, 0.001, 0.003, 0.002])
    assert [load.ms(quantile) for quantile in (0.25, 0.5, 0.99)] == [1.0, 2.0, 4.0]
    assert load.ms(1.0) == 4.0


def test_without_any_success_no_latency_is_short_enough() -> None:
    assert Load(1.0).ms(0.5) == math.inf
