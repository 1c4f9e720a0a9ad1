"""Faults that sessions in PostgreSQL can cause: those of our own are ended, or somebody else's stand in their way."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx

from ..stack import Stack
from .checker.sequences import STATES
from .clients import TOKEN_S, Account
from .dumps import connect
from .history import Json
from .quiet import READS

CROWD = 20
"""Twice the connections of a pool."""

RESTORED_S = 60.0
HELD_UP_S = 1.5
"""Until something waits for a locked table."""
STOPPED_S = 4.0
"""Longer than a process that is told to stop waits for what is under way."""

_OWN_TABLES = (
    "SELECT tablename FROM pg_tables WHERE tableowner = current_user AND tablename <> 'alembic_version' ORDER BY 1"
)
_OF_SERVICES = "SELECT pid, application_name FROM pg_stat_activity WHERE datname = ANY($1) ORDER BY pid"
_END_ALL = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = $1"
_NEWEST = 'SELECT 1 FROM "{}" ORDER BY ctid DESC LIMIT 20 FOR UPDATE'
_LOCKED_ROWS = ("inbox", "inbox_records", "outbox")
"""Tables of the chassis whose newest rows are wanted by everybody; beside them those of the aggregates."""

_SLOW_COMMITS = ("commit_delay = 100000", "commit_siblings = 0")
_RELOAD = "SELECT pg_reload_conf()"


class Sessions:
    """Each fault is over when its coroutine has ended, also where that fails."""

    def __init__(self, stack: Stack, random: Random, seed: int) -> None:
        self._stack, self._random = stack, random
        self._name = f"crowd-{seed}"
        self._account = Account(stack.url, self._name)

    async def prepare(self) -> None:
        """Signs up whom the crowd asks as, while all is well. Raises SetUpFailed."""
        await self._account.sign_up(organisation_name=self._name)

    async def backends(self, _: str) -> Json:
        """Ten connections each second are cut off, whatever they are doing."""
        connection = await self._administrator()
        cut = list[str]()
        try:
            for _moment in range(30):
                cut += await self._cut_one(connection)
                await asyncio.sleep(0.1)
        finally:
            connection.terminate()
        return {"cut": cut}

    async def _cut_one(self, connection: Any) -> list[str]:
        found = await connection.fetch(_OF_SERVICES, self._stack.plan.services)
        if not found:
            return []
        chosen = self._random.choice(found)
        await connection.execute("SELECT pg_terminate_backend($1)", chosen["pid"])
        return [chosen["application_name"]]

    async def lock(self, _: str) -> Json:
        """A table is locked as a migration locks it, for longer than a statement waits."""
        service, seconds = self._random.choice(self._stack.plan.services), self._random.uniform(3, 15)
        async with self._locked(service) as table:
            await asyncio.sleep(seconds)
        return {"producer": service, "table": table, "seconds": seconds}

    async def broken_off(self, target: str) -> Json:
        """A service is told to stop while one of its tables is locked: what it does is broken off."""
        services = self._stack.plan.services
        service = target if target in services else self._random.choice(services)
        async with self._locked(service) as table:
            await asyncio.sleep(HELD_UP_S)
            await asyncio.to_thread(self._stack.signal, service, signal.SIGTERM)
            await asyncio.sleep(STOPPED_S)
        return {"producer": service, "table": table}

    @asynccontextmanager
    async def _locked(self, service: str) -> AsyncIterator[str]:
        connection = await self._owner(service)
        try:
            table: str = self._random.choice(await _own_tables(connection))
            async with connection.transaction():
                await connection.execute(f'LOCK TABLE "{table}"')
                yield table
        finally:
            connection.terminate()

    async def pool(self, _: str) -> Json:
        """A service has no connection left: all of its pool wait for locks, or its role is refused any more."""
        service = self._random.choice(self._stack.plan.services)
        harm = self._random.choice((self._all_wait, self._hardly_any))
        return {"producer": service, **await harm(service)}

    async def _all_wait(self, service: str) -> Json:
        """Every table is locked, and more people read than the pool has connections."""
        if time.monotonic() - self._account.signed_in > TOKEN_S:
            await self._account.sign_in()
        connection = await self._owner(service)
        try:
            names = ", ".join(f'"{table}"' for table in await _own_tables(connection))
            async with connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '5s'")
                await connection.execute(f"LOCK TABLE {names}")
                answers = await self._crowd(service)
        finally:
            connection.terminate()
        return {"how": "all wait", "answers": answers}

    async def _crowd(self, service: str) -> dict[str, int]:
        """How often which status, or which error, was the answer to many who asked at once."""
        place = self._stack.urls[service] + READS[service]
        return dict(Counter(await asyncio.gather(*(_status(self._account, place) for _ in range(CROWD)))))

    async def _hardly_any(self, service: str) -> Json:
        """An operator's mistake: the role may have fewer connections than its service needs, and those it has end."""
        role = urlsplit(self._stack.settings_of(service)["STOA_DATABASE_DSN"]).username
        left, seconds = self._random.choice((0, 1, 3)), self._random.uniform(3, 10)
        connection = await self._administrator()
        try:
            await connection.execute(f'ALTER ROLE "{role}" CONNECTION LIMIT {left}')
            ended = await connection.fetchval(_END_ALL, role)
            await asyncio.sleep(seconds)
        finally:
            connection.terminate()
            await self._restore(f'ALTER ROLE "{role}" CONNECTION LIMIT -1')
        return {"how": "refused", "left": left, "ended": ended, "seconds": seconds}

    async def _restore(self, statement: str) -> None:
        """Again and again until it is done: the database may be away meanwhile. Raises TimeoutError."""
        async with asyncio.timeout(RESTORED_S):
            while True:
                try:
                    connection = await self._administrator()
                    await connection.execute(statement)
                    connection.terminate()
                    return
                except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    await asyncio.sleep(0.2)

    async def idle_transaction(self, _: str) -> Json:
        """A session holds the newest rows of a table and does nothing, until PostgreSQL or it itself ends it."""
        service = self._random.choice(self._stack.plan.services)
        states = [table for (owner, _topic), (table, _column) in STATES.items() if owner == service]
        table, seconds = self._random.choice([*_LOCKED_ROWS, *states]), self._random.uniform(4, 30)
        limit = self._random.choice((seconds / 2, 2 * seconds))
        connection = await connect(self._stack, service)
        try:
            await connection.execute(f"SET idle_in_transaction_session_timeout = {limit * 1000:.0f}")
            await connection.execute("SET lock_timeout = '5s'")
            await connection.execute("BEGIN")
            rows = await connection.fetch(_NEWEST.format(table))
            ended_by = "PostgreSQL" if await _ends(connection, seconds) else "itself"
        finally:
            connection.terminate()
        return {"producer": service, "table": table, "rows": len(rows), "seconds": seconds, "ended by": ended_by}

    async def slow_disk(self, _: str) -> Json:
        """Every commit waits for the disk, and those that wait together can be seen afterwards in any order."""
        seconds = self._random.uniform(4, 15)
        connection = await self._administrator()
        try:
            for setting in _SLOW_COMMITS:
                await connection.execute(f"ALTER SYSTEM SET {setting}")
            await connection.execute(_RELOAD)
            await asyncio.sleep(seconds)
        finally:
            connection.terminate()
            for statement in ("ALTER SYSTEM RESET ALL", _RELOAD):
                await self._restore(statement)
        return {"seconds": seconds}

    async def _administrator(self) -> Any:
        return await asyncpg.connect(self._stack.plan.addresses.postgres_admin_dsn, timeout=5)

    async def _owner(self, service: str) -> Any:
        return await asyncpg.connect(self._stack.settings_of(service)["STOA_DATABASE_OWNER_DSN"], timeout=5)


async def _own_tables(connection: Any) -> list[str]:
    return [row["tablename"] for row in await connection.fetch(_OWN_TABLES)]


async def _ends(connection: Any, within_s: float) -> bool:
    """Whether the server ends the session meanwhile."""
    ended = asyncio.Event()
    connection.add_termination_listener(lambda _: ended.set())
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await ended.wait()
    return ended.is_set()


async def _status(account: Account, place: str) -> str:
    try:
        return str((await account.http.get(place)).status_code)
    except httpx.HTTPError as error:
        return type(error).__name__
