"""Tells the relay of another process that something waits: a coalesced NOTIFY, after the commit and beside it.

NOTIFY inside the command's transaction would take a lock across the whole PostgreSQL instance at each commit. A
notification that gets lost costs no more than the relay's next look, which comes each second.
"""

import asyncio
from typing import Any

import asyncpg
import structlog

from chassis.database import is_passing
from chassis.health import Health
from chassis.outbox.store import OutboxStore

log = structlog.get_logger("notifier")

CHANNEL = "outbox"
_INTERVAL_S = 0.005


class Notifier:
    """Sends at most one NOTIFY each 5 ms, on a connection of its own that opens with the first."""

    name = "notifier"

    def __init__(self, dsn: str, outbox: OutboxStore, *, service: str) -> None:
        self._dsn = dsn
        self._outbox = outbox
        self._application = f"{service}.notifier"
        self._connection: Any = None

    def health(self) -> Health:
        """Always healthy: without it the relay finds everything a little later."""
        return Health.healthy()

    async def run(self) -> None:
        try:
            while True:
                await self._outbox.unheard.wait()
                self._outbox.unheard.clear()
                await self._notify()
                await asyncio.sleep(_INTERVAL_S)
        finally:
            self._drop()

    async def _notify(self) -> None:
        try:
            if self._connection is None:
                settings = {"application_name": self._application}
                self._connection = await asyncpg.connect(self._dsn, timeout=5, server_settings=settings)
            await self._connection.execute(f"NOTIFY {CHANNEL}", timeout=5)
        except Exception as error:
            if not is_passing(error):
                raise
            log.info("notification-lost", error=type(error).__name__)
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
