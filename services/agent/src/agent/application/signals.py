"""Tells those in this process who wait that there is something new; who waits looks by itself.

A signal is only ever an earlier look: nothing is lost when one is, or when the news came to another replica.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

FIRST_LOOK = 0.002
"""Seconds from a signal to the look after the first one; then twice as long each time."""


class Looks:
    """Paces somebody who waits: at once and soon again after each signal, else every `longest` seconds."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._pause = longest
        self._news = asyncio.Event()
        self._begun = False

    def tell(self, *, committed: bool) -> None:
        """There is news: in the database already, or as soon as somebody's transaction is committed."""
        self._begun = self._begun or not committed
        self._news.set()

    async def next(self) -> None:
        """Returns when it is time to look again."""
        try:
            async with asyncio.timeout(self._pause):
                await self._news.wait()
        except TimeoutError:
            self._pause = min(self._pause * 2, self._longest)
            return
        self._news.clear()
        self._pause = FIRST_LOOK if self._begun else self._longest
        self._begun = False


class Signals:
    """Who waits for which news. A subject is a command, a run, or the queue."""

    def __init__(self) -> None:
        self._waiting: defaultdict[object, list[Looks]] = defaultdict(list)

    def came(self, subject: UUID, *, committed: bool = False) -> None:
        """There is something new about a command or a run; not `committed`: there will be in a moment."""
        self._tell(subject, committed)

    def queued(self, *, committed: bool = False) -> None:
        """A run may begin, or go on."""
        self._tell(_QUEUE, committed)

    @contextmanager
    def looks(self, subject: UUID, *, longest: float) -> Iterator[Looks]:
        """For somebody who waits for news about `subject`; signals count from now on."""
        with self._listen(subject, longest) as looks:
            yield looks

    @contextmanager
    def queue(self, *, longest: float) -> Iterator[Looks]:
        """For somebody who waits for runs."""
        with self._listen(_QUEUE, longest) as looks:
            yield looks

    def _tell(self, subject: object, committed: bool) -> None:
        for looks in self._waiting.get(subject, ()):
            looks.tell(committed=committed)

    @contextmanager
    def _listen(self, subject: object, longest: float) -> Iterator[Looks]:
        looks = Looks(longest)
        self._waiting[subject].append(looks)
        try:
            yield looks
        finally:
            self._waiting[subject].remove(looks)
            if not self._waiting[subject]:
                del self._waiting[subject]


_QUEUE = object()
