"""The service's database: a pool of connections whose every transaction sees only the organisations it was opened for."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

_SCOPE = text("SELECT set_config('stoa.org_ids', :ids, true)")

# Classes of SQLSTATE that say nothing about the statement: connection, transaction rollback (deadlock, serialisation),
# resources, operator intervention (shutdown, statement or lock time-out), system error. PostgreSQL manual, appendix A.
_PASSING_CLASSES = ("08", "40", "53", "57", "58")
_LOCK_NOT_AVAILABLE = "55P03"


class Database:
    """One pool of PostgreSQL connections under one role.

    `dsn` is a `postgresql://` URL. Each connection has a statement time-out and may not idle inside a transaction.
    """

    def __init__(self, dsn: str, *, application: str, pool_size: int = 10, statement_timeout_ms: int = 10_000) -> None:
        self.dsn = dsn
        self.engine: AsyncEngine = create_async_engine(
            dsn.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_recycle=1800,
            connect_args={
                "timeout": 5,
                "server_settings": {
                    "application_name": application,
                    "statement_timeout": str(statement_timeout_ms),
                    "lock_timeout": "5000",
                    "idle_in_transaction_session_timeout": "30000",
                },
            },
        )

    @asynccontextmanager
    async def transaction(self, org_ids: Collection[UUID]) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees the rows of `org_ids` only; commits at the end, rolls back on an exception."""
        async with self.engine.begin() as connection:
            await scope_to(connection, org_ids)
            yield connection

    @asynccontextmanager
    async def system_transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction without a tenant: for infrastructure tables, or for a role that bypasses row security."""
        async with self.engine.begin() as connection:
            yield connection

    async def close(self) -> None:
        await self.engine.dispose()


async def scope_to(connection: AsyncConnection, org_ids: Collection[UUID]) -> None:
    """Lets the rest of the transaction see the rows of these organisations and of no other."""
    await connection.execute(_SCOPE, {"ids": ",".join(map(str, org_ids))})


async def driver(connection: AsyncConnection) -> Any:
    """The asyncpg connection below, in the same transaction: for the few statements where SQLAlchemy is too dear."""
    if not connection.in_transaction():
        await connection.begin()
    raw = await connection.get_raw_connection()
    return raw.driver_connection


def is_passing(error: BaseException) -> bool:
    """Whether `error` comes from the infrastructure and will pass, so that the same work is simply tried again."""
    if isinstance(error, PoolTimeout | OSError | asyncio.TimeoutError | InterfaceError | asyncpg.InterfaceError):
        return True
    if isinstance(error, DBAPIError):
        return isinstance(error, OperationalError) or _is_passing_state(getattr(error.orig, "sqlstate", None) or "")
    return isinstance(error, asyncpg.PostgresError) and _is_passing_state(error.sqlstate or "")


def _is_passing_state(sqlstate: str) -> bool:
    return sqlstate.startswith(_PASSING_CLASSES) or sqlstate == _LOCK_NOT_AVAILABLE
