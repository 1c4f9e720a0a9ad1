"""Transactions, with and without SQLAlchemy."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from chassis.core import new_id
from chassis.database import Database, driver, is_passing

from ..sample.stage import Stage

PARK = "INSERT INTO parked_keys (consumer, topic, key) VALUES ('a', 'b', 'c')"


class Broken(Exception):
    pass


async def test_what_the_driver_does_is_undone_with_its_transaction(stage: Stage) -> None:
    async def fail_half_way() -> None:
        async with stage.database.system_transaction() as connection:
            await (await driver(connection)).execute(PARK)
            raise Broken

    with pytest.raises(Broken):
        await fail_half_way()
    assert await stage.rows("SELECT * FROM parked_keys") == []


async def test_a_row_that_the_driver_locks_stays_locked_until_the_end(stage: Stage) -> None:
    await stage.execute(PARK)
    lock = "SELECT FROM parked_keys FOR UPDATE"
    async with stage.database.system_transaction() as connection:
        await (await driver(connection)).execute(lock)
        async with stage.system.system_transaction() as other:
            with pytest.raises(asyncpg.LockNotAvailableError):
                await (await driver(other)).execute(f"{lock} NOWAIT")


async def test_a_connection_that_is_gone_when_the_driver_begins_leaves_the_pool(stage: Stage) -> None:
    database = Database(stage.database.dsn, application="gone", pool_size=1)
    await _begin(database)
    async with stage.database.system_transaction() as other:
        await other.exec_driver_sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'gone'"
        )
    with pytest.raises(DBAPIError) as broken:
        await _begin(database)
    assert is_passing(broken.value)
    await _begin(database)
    await database.close()


async def _begin(database: Database) -> None:
    async with database.system_transaction() as connection:
        await driver(connection)


BEGINNINGS = pytest.mark.parametrize("through", ["SQLAlchemy", "the driver"])


@BEGINNINGS
async def test_who_is_cancelled_while_a_transaction_begins_leaves_no_scope_behind(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, through: str
) -> None:
    database, begun = await _used(stage), asyncio.Event()
    with monkeypatch.context() as patched:
        patched.setattr(asyncpg.Connection, "execute", _begins_and_is_not_answered(begun))
        task = asyncio.create_task(_scope_of(database, [new_id()], through))
        await asyncio.wait_for(begun.wait(), 5)
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()
    assert not await _scope_of(database, [], through)
    await database.close()


@BEGINNINGS
@pytest.mark.parametrize(
    ("error", "raised"),
    [(TimeoutError(), TimeoutError), (asyncpg.QueryCanceledError("too slow"), DBAPIError)],
    ids=["not answered", "half of it refused"],
)
async def test_a_beginning_that_fails_passes_and_its_connection_is_not_used_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, error: Exception, raised: type[Exception], through: str
) -> None:
    database = await _used(stage)
    with monkeypatch.context() as patched:
        patched.setattr(asyncpg.Connection, "execute", _begins_and_fails(error))
        with pytest.raises(raised) as failed:
            await _scope_of(database, [new_id()], through)
    assert is_passing(failed.value)
    assert not await _scope_of(database, [], through)
    await database.close()


async def _used(stage: Stage) -> Database:
    """With a connection in its pool."""
    database = Database(stage.database.dsn, application="begins", pool_size=1)
    await _begin(database)
    return database


def _begins_and_is_not_answered(begun: asyncio.Event) -> Any:
    execute = asyncpg.Connection.execute

    async def begin(connection: Any, query: str, *values: Any, **options: Any) -> Any:
        await execute(connection, query, *values, **options)
        begun.set()
        await asyncio.Event().wait()

    return begin


def _begins_and_fails(error: Exception) -> Any:
    execute = asyncpg.Connection.execute

    async def begin(connection: Any, query: str, *values: Any, **options: Any) -> Any:
        await execute(connection, query, *values, **options)
        raise error

    return begin


async def _scope_of(database: Database, org_ids: Sequence[UUID], through: str) -> str:
    """What a transaction may see that begins with a statement of SQLAlchemy or of the driver."""
    scope = "SELECT current_setting('stoa.org_ids', true)"
    async with database.transaction(org_ids) as connection:
        if through == "the driver":
            return str(await (await driver(connection)).fetchval(scope) or "")
        return str((await connection.exec_driver_sql(scope)).scalar() or "")


@pytest.mark.parametrize("raw", [False, True], ids=["through SQLAlchemy", "through the driver"])
async def test_a_statement_that_is_not_answered_is_given_up(stage: Stage, raw: bool) -> None:
    database = Database(stage.database.dsn, application="sample", pool_size=1, answer_s=0.5)
    with pytest.raises(TimeoutError) as given_up:
        await _unanswered(database, raw=raw)
    assert is_passing(given_up.value)
    async with database.system_transaction() as connection:
        assert (await connection.exec_driver_sql("SELECT 1")).scalar() == 1
    await database.close()


async def test_when_one_connection_is_not_answered_none_of_the_pool_is_used_again(stage: Stage) -> None:
    database = Database(stage.database.dsn, application="sample", pool_size=2, answer_s=0.5)
    before = await _two_sessions(database)
    with pytest.raises(TimeoutError):
        await _unanswered(database)
    assert not before & await _two_sessions(database)
    await database.close()


async def _unanswered(database: Database, *, raw: bool = False) -> None:
    """A statement that the server does not end by itself. Raises AssertionError when the client does not either."""
    async with database.system_transaction() as connection:
        await connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        if raw:
            await (await driver(connection)).execute("SELECT pg_sleep(5)")
        await connection.exec_driver_sql("SELECT pg_sleep(5)")
    raise AssertionError("the client has waited for the answer")


async def _two_sessions(database: Database) -> set[int]:
    """The process ids of two that are used at the same time."""
    met = asyncio.Barrier(2)

    async def session() -> int:
        async with database.system_transaction() as connection:
            found: int = (await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one()
            await met.wait()
            return found

    return set(await asyncio.gather(session(), session()))
