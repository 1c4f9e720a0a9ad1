"""Transactions, with and without SQLAlchemy."""

import asyncpg
import pytest

from chassis.database import driver

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
