"""Ending from outside what a request is doing: its client has gone, or its token is no longer good."""

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Receive

DISCONNECTED = "disconnected"


class Cut:
    """`with Cut() as cut:` runs until it ends, or until somebody calls `cut.end(reason)`.

    Made like `asyncio.timeout`: the cancellation that `end` causes does not leave the block, any other does. It comes
    at the next `await` inside.
    """

    __slots__ = ("_cancelling", "_task", "_watch", "reason")

    def __init__(self) -> None:
        self.reason: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._cancelling = 0

    def __enter__(self) -> Self:
        self._task = asyncio.current_task()
        if self._task is None:
            raise RuntimeError("a Cut is used inside of a task")
        self._cancelling = self._task.cancelling()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        task, self._task = self._task, None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self.reason is None or task is None:
            return False
        return task.uncancel() <= self._cancelling and kind is asyncio.CancelledError

    def end(self, reason: str) -> None:
        """Breaks off what runs inside, once; later calls change nothing."""
        if self._task is not None and self.reason is None:
            self.reason = reason
            self._task.cancel()

    def end_on_disconnect(self, receive: Receive) -> None:
        """From now on a client that goes away ends it. To be called when the request's body has been read."""
        if self._watch is None and self._task is not None:
            self._watch = asyncio.create_task(self._wait(receive))

    async def _wait(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.end(DISCONNECTED)
