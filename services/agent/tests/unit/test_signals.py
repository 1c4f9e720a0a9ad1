import asyncio

from agent.application.signals import Signals
from chassis.core import new_id


async def test_who_waits_looks_again_at_once_when_there_is_news() -> None:
    signals, subject = Signals(), new_id()
    with signals.looks(subject, longest=60) as looks:
        waiting = asyncio.create_task(looks.next())
        await asyncio.sleep(0)
        signals.came(new_id())
        assert not waiting.done()
        signals.came(subject)
        async with asyncio.timeout(5):
            await waiting


async def test_news_before_its_commit_are_looked_for_soon_and_again() -> None:
    signals, subject = Signals(), new_id()
    with signals.looks(subject, longest=60) as looks:
        signals.came(subject)
        async with asyncio.timeout(5):
            for _ in range(5):
                await looks.next()


async def test_news_after_its_commit_is_looked_for_once() -> None:
    signals, subject = Signals(), new_id()
    with signals.looks(subject, longest=60) as looks:
        signals.came(subject, committed=True)
        await looks.next()
        again = asyncio.create_task(looks.next())
        await asyncio.wait([again], timeout=0.05)
        assert not again.done()
        again.cancel()


async def test_without_news_one_looks_now_and_then() -> None:
    signals = Signals()
    with signals.looks(new_id(), longest=0.01) as looks:
        async with asyncio.timeout(5):
            for _ in range(3):
                await looks.next()


async def test_nothing_is_kept_of_those_who_have_gone() -> None:
    signals, subject = Signals(), new_id()
    with signals.looks(subject, longest=1):
        pass
    signals.came(subject)
    assert not signals._waiting
