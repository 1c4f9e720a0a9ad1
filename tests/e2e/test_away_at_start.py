"""Broker and database away when processes start: they live, say what is missing, and go on when it has come."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from local_stack.plan import GATEWAY

from ..stack import Stack, eventually
from .lonely import Lonely

DATABASE = "the database does not answer"


@pytest.fixture
async def lonely(stack: Stack) -> AsyncIterator[Lonely]:
    """Prepared, not started; ended after the test."""
    stack.healthy()
    processes = Lonely(stack)
    await processes.prepare()
    yield processes
    processes.end()


async def test_processes_wait_for_their_servers_alive_and_say_what_is_missing(lonely: Lonely) -> None:
    lonely.start()
    for process in lonely.running:
        await asyncio.to_thread(_until, lonely, process, 503)
        live = lonely.ask(process, "/health/live")
        assert live is not None
        assert live.status_code == 200
        missing = [lonely.broker.address] if process == GATEWAY else [lonely.broker.address, DATABASE]
        for words in missing:
            await asyncio.to_thread(_said, lonely, process, words)
    async with await lonely.database.open(), await lonely.broker.open():
        for process in lonely.running:
            await asyncio.to_thread(_until, lonely, process, 200)
        assert {name: process.poll() for name, process in lonely.running.items()} == dict.fromkeys(lonely.running)
        assert await asyncio.to_thread(lonely.end) == dict.fromkeys(lonely.running, 0)


def _until(lonely: Lonely, process: str, status: int) -> None:
    def ready() -> bool:
        answer = lonely.ask(process, "/health/ready")
        return answer is not None and answer.status_code == status

    eventually(ready, f"{process} answers {status}", 30)


def _said(lonely: Lonely, process: str, words: str) -> None:
    """In the log and in the health: what is missing."""
    eventually(lambda: words in lonely.log(process), f"{process} logs {words}", 10)

    def shown() -> bool:
        answer = lonely.ask(process, "/health/ready")
        return answer is not None and words in answer.text

    eventually(shown, f"the health of {process} says {words}", 10)
