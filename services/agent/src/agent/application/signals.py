"""Tells those in this process who wait that something is about to be committed; who waits looks again by itself.

A signal is only ever an earlier look: nothing is lost when one is, or when the news came to another replica.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

FIRST_LOOK = 0.002
"""Seconds from a signal to the next look; then twice as long each time. A signal comes before its commit."""


class Looks:
    """Paces somebody who waits: soon after each signal, else at the latest every `longest` seconds."""

    def __init__(self, news: asyncio.Event, longest: float) -> None:
        self._news = news
        self._longest = longest
        self._pause = longest

    async def next(self) -> None:
        """Returns when it is time to look again."""
        if self._news.is_set():
            self._news.clear()
            self._pause = FIRST_LOOK
        try:
            async with asyncio.timeout(self._pause):
                await self._news.wait()
        except TimeoutError:
            self._pause = min(self._pause * 2, self._longest)


class Signals:
    """`came` is called by whoever stores a reply, a step or the end of a run; `queued` is set when a run may start."""

    def __init__(self) -> None:
        self.queued = asyncio.Event()
        self._waiting: defaultdict[UUID, list[asyncio.Event]] = defaultdict(list)

    def came(self, subject: UUID) -> None:
        """There is, or will be in a moment, something new about a command or a run."""
        for news in self._waiting.get(subject, ()):
            news.set()

    @contextmanager
    def looks(self, subject: UUID, *, longest: float) -> Iterator[Looks]:
        """For somebody who waits for news about `subject`; signals count from now on."""
        news = asyncio.Event()
        self._waiting[subject].append(news)
        try:
            yield Looks(news, longest)
        finally:
            self._waiting[subject].remove(news)
            if not self._waiting[subject]:
                del self._waiting[subject]
