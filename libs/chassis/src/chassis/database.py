"""The service's database: a pool of connections; each transaction sees only the organisations it was opened for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_

from chassis.core.errors import Passing

_LONGEST_PAUSE_S = 5.0

V = TypeVar("V")

_SCOPE = text("SELECT set_config('stoa.org_ids', :ids, true)")

# Classes of SQLSTATE that say nothing about the statement: connection, transaction rollback (deadlock, serialisation),
# resources, operator intervention (shutdown, statement or lock time-out), system error. PostgreSQL manual, appendix A.
# And two single ones: a lock that was not to be had in time, a session that was ended because it idled.
_PASSING = ("08", "40", "53", "57", "58", "55P03", "25P03")


class Database:
    """One pool of PostgreSQL connections under one role.

    `dsn` is a `postgresql://` URL. Each connection has a statement time-out and may not idle inside a transaction.
    `answer_s`: after so long without an answer a connection is given up (TimeoutError). It is longer than the server's
    own time-outs, so it is only met when the server is out of reach and nobody says so.
    """

    def __init__(
        self, dsn: str, *, application: str, pool_size: int = 10, pool_timeout_s: float = 5, answer_s: float = 12
    ) -> None:
        self.dsn = dsn
        self.engine: AsyncEngine = create_async_engine(
            dsn.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout_s,
            pool_recycle=1800,
            hide_parameters=True,
            connect_args={
                "connection_class": _Connection,
                "timeout": 5,
                "command_timeout": answer_s,
                "server_settings": {
                    "application_name": application,
                    "statement_timeout": "10000",
                    "lock_timeout": "5000",
                    "idle_in_transaction_session_timeout": "30000",
                },
            },
        )
        event.listen(self.engine.sync_engine, "handle_error", _give_up_the_pool)

    @asynccontextmanager
    async def transaction(self, org_ids: Collection[UUID]) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees the rows of `org_ids` only; commits at the end, rolls back on an exception."""
        async with self.engine.begin() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            raw.scope = ",".join(org_id.hex for org_id in org_ids)
            try:
                yield connection
            finally:
                raw.scope = None

    @asynccontextmanager
    async def system_transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction without a tenant: for infrastructure tables, or for a role that bypasses row security."""
        async with self.engine.begin() as connection:
            yield connection

    async def close(self) -> None:
        await self.engine.dispose()


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """Begins a transaction together with what it may see, which saves a round trip. `scope`: ids of organisations.

    Did asyncpg begin in other words, the transaction would see nothing at all.
    """

    scope: str | None = None

    async def execute(self, query: str, *values: Any, **options: Any) -> str:
        if query == "BEGIN;":
            return await self._begin()
        done: str = await super().execute(query, *values, **options)
        return done

    async def _begin(self) -> str:
        scoped = f" SELECT set_config('stoa.org_ids', '{self.scope}', true)" if self.scope is not None else ""
        try:
            begun: str = await super().execute(f"BEGIN;{scoped}")
        except BaseException:  # whether it has begun is not known, so nobody may go on with this connection
            self.terminate()
            raise
        return begun


def _give_up_the_pool(context: ExceptionContext) -> None:
    """Where one connection is not answered, those that idle beside it are as dead: each would cost its own wait."""
    if isinstance(context.original_exception, TimeoutError):
        context.invalidate_pool_on_disconnect = True


async def scope_to(connection: AsyncConnection, org_ids: Collection[UUID]) -> None:
    """Lets the rest of the transaction see the rows of these organisations and of no other."""
    await connection.execute(_SCOPE, {"ids": ",".join(map(str, org_ids))})


async def driver(connection: AsyncConnection) -> Any:
    """The asyncpg connection below, in the same transaction: for the few statements where SQLAlchemy is too dear."""
    pooled: Any = connection.sync_connection
    adapted = pooled.connection.dbapi_connection
    if adapted._transaction is None:  # SQLAlchemy sends BEGIN with its own first statement, not before
        await connection.run_sync(_begin, adapted)
    return adapted.driver_connection


def _begin(connection: Connection, adapted: Any) -> None:
    """Fails as a statement of SQLAlchemy's does, so that a connection that is broken or cut off leaves the pool."""
    try:
        await_(adapted._start_transaction())
    except BaseException as error:
        connection._handle_dbapi_exception(error, "BEGIN", None, None, None)


def is_passing(error: BaseException) -> bool:
    """Whether `error` comes from the infrastructure and will pass, so that the same work is simply tried again.

    A file that is missing is an OSError too, but it names the file; bad input to a statement is asyncpg's
    InterfaceError too, but a ValueError as well. Neither passes. asyncpg's InternalClientError does: it is what a
    session that the server ended between two statements can look like.
    """
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or is_passing(error.driver_exception)
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_PASSING)
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        return not isinstance(error, ValueError)
    return isinstance(error, PoolTimeout | Passing) or (isinstance(error, OSError) and error.filename is None)


def is_statement_timeout(error: BaseException) -> bool:
    """Whether one statement ran too long: it may be the database that is slow, or this statement alone."""
    if isinstance(error, DBAPIError):
        return is_statement_timeout(error.driver_exception)
    return isinstance(error, asyncpg.QueryCanceledError)


async def steadily(attempt: Callable[[], Awaitable[V]], on_wait: Callable[[Exception, float], None]) -> V:
    """Repeats `attempt` in place while the infrastructure fails, with pauses that grow to 5 s.

    `on_wait` is told each error that passes, and the pause in seconds that follows it. Raises any other error.
    """
    pause = 0.05
    while True:
        try:
            return await attempt()
        except Exception as error:
            if not is_passing(error):
                raise
            on_wait(error, pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_S)
