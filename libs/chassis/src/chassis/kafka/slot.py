"""A slot: a number that this process alone holds, so that it can be a static member of its consumer groups."""

import asyncio
from typing import Any

import asyncpg
import structlog

from chassis.health import Health

log = structlog.get_logger("slot")

_LOCK_SPACE = 7_214_002
_MOST = 64
_PING_S = 2.0


class SlotLost(Exception):
    """The lock is gone, so another process may hold the number: whoever reads under it must stop and ask again."""


class Slot:
    """Holds the lowest free number through an advisory lock on a connection of its own; takes another when that ends.

    The same static member alive twice would make both own everything, so consumers watch `lost` for as long as they
    read. The process itself lives on: its requests need no slot.
    """

    name = "slot"

    def __init__(self, system_dsn: str, service: str) -> None:
        self._dsn = system_dsn
        self._service = service
        self._health = Health.unhealthy("not taken")
        self._number = 0
        self._taken = asyncio.Event()
        self._lost = asyncio.Event()

    def health(self) -> Health:
        return self._health

    async def number(self) -> int:
        """Waits until a number is held, and tells it."""
        await self._taken.wait()
        return self._number

    async def lost(self, number: int) -> None:
        """Raises SlotLost as soon as `number` is not held any more."""
        if number == self._number:
            await self._lost.wait()
        raise SlotLost(f"slot {number}")

    async def run(self) -> None:
        while True:
            connection, self._number = await self._take()
            self._health = Health.healthy(f"slot {self._number}")
            self._lost.clear()
            self._taken.set()
            try:
                while True:
                    await asyncio.sleep(_PING_S)
                    await connection.execute("SELECT 1")
            except Exception as error:  # whatever ended the connection, the lock ended with it
                self._health = Health.unhealthy(f"slot {self._number} is lost")
                log.warning("slot-lost", slot=self._number, error=type(error).__name__)
            finally:
                self._taken.clear()
                self._lost.set()
                connection.terminate()

    async def _take(self) -> tuple[Any, int]:
        pause = 0.1
        while True:
            try:
                connection = await self._connect()
                for number in range(_MOST):
                    if await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _LOCK_SPACE, number):
                        return connection, number
                connection.terminate()
                self._health = Health.unhealthy(f"all {_MOST} slots are taken")
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                self._health = Health.unhealthy(f"the database is away: {type(error).__name__}")
                log.warning("slot-waits", error=type(error).__name__, pause_s=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)

    async def _connect(self) -> Any:
        settings = {
            "application_name": f"{self._service}.slot",
            "idle_session_timeout": "15000",
            "tcp_keepalives_idle": "2",
            "tcp_keepalives_interval": "1",
            "tcp_keepalives_count": "2",
        }
        return await asyncpg.connect(self._dsn, timeout=5, command_timeout=5, server_settings=settings)
