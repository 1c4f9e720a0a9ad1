"""The process is ready before its agent loop is; a run waits for it."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from agent.adapters.loaded_later import LoadedLater
from agent.application.loop import Task
from chassis.core import new_id
from chassis.health import Status
from chassis.testing.waiting import running


class Echo:
    async def answer(self, _: object, task: Task, *others: Sequence[Any] | Mapping[str, Any] | object) -> str:
        return task.text


async def test_a_run_that_comes_while_the_libraries_load_is_answered_afterwards() -> None:
    loaded = threading.Event()

    def load() -> Echo:
        loaded.wait()
        return Echo()

    unused: Any = None
    loop = LoadedLater(load)
    async with running(loop):
        asking = asyncio.create_task(loop.answer(new_id(), Task("hello", "", "", 1), [], {}, unused, unused))
        await asyncio.sleep(0)
        assert not asking.done()
        assert loop.health().status is Status.HEALTHY
        loaded.set()
        assert await asyncio.wait_for(asking, 5) == "hello"
