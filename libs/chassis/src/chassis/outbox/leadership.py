"""The connection that makes a relay the one that sends: it holds the lock, and the server ends it 2 s after silence."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import asyncpg

LOCK = 7_214_001
"""The advisory lock of whoever may send, or decides what is sent."""
ROLE = ".relay"
"""How the application name of a relay's connection ends."""

_TAKEOVER_S = 0.5
_PING_S = 0.5

T = TypeVar("T")


async def connect(dsn: str, application: str) -> Any:
    """Opens it. The keep-alives find a machine that is gone, the user time-out a process that stopped reading."""
    settings = {
        "application_name": application,
        "idle_session_timeout": "2000",
        "tcp_user_timeout": "2000",
        "tcp_keepalives_idle": "1",
        "tcp_keepalives_interval": "1",
        "tcp_keepalives_count": "2",
        "statement_timeout": "10000",
    }
    return await asyncpg.connect(dsn, timeout=5, command_timeout=10, server_settings=settings)


async def take_lock(connection: Any, on_wait: Callable[[], None]) -> None:
    """Waits until no other process holds the lock."""
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
        on_wait()
        await asyncio.sleep(_TAKEOVER_S)


async def pinging(
    connection: Any, task: "asyncio.Future[T]", on_wait: Callable[[], None], *, limit_s: float = 120.0
) -> T:
    """Waits for `task` and keeps the connection alive meanwhile. When that fails, the task is left to itself.

    Raises TimeoutError after `limit_s` seconds, ConnectionError where aiokafka cancelled what it was doing.
    """
    waited = 0.0
    while not (await asyncio.wait([task], timeout=_PING_S))[0]:
        waited += _PING_S
        if waited > limit_s:
            raise TimeoutError(f"the broker does not answer for {limit_s:.0f} s")
        on_wait()
        await connection.execute("SELECT 1")
    if task.cancelled():
        raise ConnectionError("the connection to the broker was broken off")
    return task.result()
