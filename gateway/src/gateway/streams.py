"""Open streams end with the right to see them: when their token expires, or when it is taken back."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Gauge

from chassis.health import Health
from chassis.http.revocations import Revocations
from chassis.http.tokens import Caller
from contracts.auth.v1 import AccessRevoked
from gateway.cut import Cut

_OPEN = Gauge("stoa_gateway_open_streams", "Streams that are open now")
_TICK_S = 1.0

EXPIRED = "token-expired"
REVOKED = "access-revoked"
STOPPING = "stopping"


class OpenStreams:
    """All streams of this replica, with whom each belongs to."""

    name = "streams"

    def __init__(self, revocations: Revocations) -> None:
        self._revocations = revocations
        self._open: dict[Cut, tuple[Caller, float]] = {}

    @contextmanager
    def holding(self, cut: Cut, caller: Caller) -> Iterator[None]:
        """While inside, `cut` is ended within 1 s after the caller's token expires, and at once when it is revoked."""
        self._open[cut] = (caller, caller.expires_at.timestamp())
        _OPEN.inc()
        try:
            if self._revocations.revoked(caller):
                cut.end(REVOKED)
            yield
        finally:
            _OPEN.dec()
            del self._open[cut]

    def end_all(self) -> None:
        """The process is about to stop: clients come back to another replica."""
        for cut in tuple(self._open):
            cut.end(STOPPING)

    def health(self) -> Health:
        return Health.healthy(f"{len(self._open)} open")

    async def run(self) -> None:
        stop = self._revocations.listen(self._on_revoked)
        try:
            while True:
                await asyncio.sleep(_TICK_S)
                self._end_expired(time.time())
        finally:
            stop()

    def _on_revoked(self, _: AccessRevoked) -> None:
        for cut, (caller, _ends) in tuple(self._open.items()):
            if self._revocations.revoked(caller):
                cut.end(REVOKED)

    def _end_expired(self, now: float) -> None:
        for cut, (_caller, ends) in tuple(self._open.items()):
            if ends <= now:
                cut.end(EXPIRED)
