"""Ends a process whose event loop stands still, so that whoever runs it starts it again.

A loop that is blocked answers nobody: no health check, no heartbeat, no signal. Only a thread can notice. Code that
holds the interpreter's lock all the while stops the thread too, and is not noticed.
"""

import asyncio
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

LIMIT_S = 30.0
EXIT_SOFTWARE = 70
"""`EX_SOFTWARE` of sysexits(3): the process gave up; a new start may help."""

_BEAT_S = 1.0
_LOG_S = 2.0

log = structlog.get_logger()


class Watchdog:
    """`watching` wraps the life of a loop, from inside it. The process ends at `limit_s` seconds without a beat.

    Only time that the watching thread itself was awake counts. So a process that was frozen (SIGSTOP, a suspended
    machine) and wakes up has its whole limit again.
    """

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._beat_s = min(_BEAT_S, limit_s / 10)
        self._beats = 0
        self._over = threading.Event()
        self._watched = threading.get_ident()

    @contextmanager
    def watching(self) -> Iterator[None]:
        beating = asyncio.ensure_future(self._beat())
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        try:
            yield
        finally:
            self._over.set()
            beating.cancel()

    async def _beat(self) -> None:
        while True:
            self._beats += 1
            await asyncio.sleep(self._beat_s)

    def _watch(self) -> None:
        silent, heard = 0.0, self._beats
        while silent < self._limit_s:
            asleep = time.monotonic()
            if self._over.wait(self._beat_s):
                return
            silent += min(time.monotonic() - asleep, 2 * self._beat_s)
            if heard != self._beats:
                silent, heard = 0.0, self._beats
        self._end(silent)

    def _end(self, silent: float) -> None:
        """Writes what the loop's thread is at. In a thread of its own: what blocks may be the writing itself."""
        frame = sys._current_frames().get(self._watched)
        stack = "".join(traceback.format_stack(frame)) if frame is not None else "no such thread"
        line = {"blocked_s": round(silent, 1), "exception": stack}
        telling = threading.Thread(target=lambda: log.critical("process.loop_blocked", **line), daemon=True)
        telling.start()
        telling.join(_LOG_S)
        os._exit(EXIT_SOFTWARE)


def end_within(limit_s: float) -> None:
    """Lets the process end `limit_s` seconds from now, if it has not ended by then as it should."""

    def end() -> None:
        time.sleep(limit_s)
        log.critical("process.end_hangs", limit_s=limit_s)
        os._exit(EXIT_SOFTWARE)

    threading.Thread(target=end, name="end", daemon=True).start()
