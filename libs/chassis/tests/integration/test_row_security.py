"""PostgreSQL stands behind the code's own filters."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.core import new_id
from chassis.testing.row_security import tables_without_policy

from ..sample.stage import Stage


async def test_a_transaction_without_a_scope_sees_no_rows(stage: Stage) -> None:
    await stage.make("lamp")
    async with stage.database.system_transaction() as connection:
        assert (await connection.execute(text("SELECT * FROM things"))).all() == []


async def test_an_organisation_sees_nothing_of_another_even_without_a_filter(stage: Stage) -> None:
    await stage.make("lamp")
    async with stage.database.transaction([new_id()]) as connection:
        assert (await connection.execute(text("SELECT * FROM things"))).all() == []
        assert (await connection.execute(text("UPDATE things SET name = 'stolen'"))).rowcount == 0
        assert (await connection.execute(text("DELETE FROM things"))).rowcount == 0
    async with stage.database.transaction([new_id(), stage.org_id]) as connection:
        assert len((await connection.execute(text("SELECT * FROM things"))).all()) == 1


async def test_a_row_of_another_organisation_cannot_be_written(stage: Stage) -> None:
    statement = text("INSERT INTO effects (org_id, consumer, thing_id, name) VALUES (:org, '', :org, '')")
    async with stage.database.transaction([new_id()]) as connection:
        with pytest.raises(DBAPIError, match="row-level security"):
            await connection.execute(statement, {"org": stage.org_id})
        await connection.rollback()


async def test_the_scope_ends_with_its_transaction(stage: Stage) -> None:
    await stage.make("lamp")
    for _ in range(20):  # whichever connection of the pool
        async with stage.database.transaction([stage.org_id]):
            pass
        async with stage.database.system_transaction() as connection:
            assert (await connection.execute(text("SELECT * FROM things"))).all() == []


async def test_the_serving_role_cannot_read_or_change_what_waits_in_the_outbox(stage: Stage) -> None:
    await stage.make("lamp")
    for statement in ("SELECT * FROM outbox", "UPDATE outbox SET sent_at = now()", "DELETE FROM outbox"):
        async with stage.database.transaction([stage.org_id]) as connection:
            with pytest.raises(DBAPIError, match="permission denied"):
                await connection.execute(text(statement))
            await connection.rollback()


async def test_a_table_that_was_forgotten_is_found(stage: Stage) -> None:
    assert await unprotected(stage) == set()
    await stage.as_owner("CREATE TABLE forgotten (org_id uuid)")
    assert await unprotected(stage) == {"forgotten"}
    assert await unprotected(stage, "forgotten") == set()
    await stage.as_owner("ALTER TABLE forgotten ENABLE ROW LEVEL SECURITY")
    await stage.as_owner("CREATE POLICY tenant ON forgotten USING (org_id IS NULL)")
    assert await unprotected(stage) == {"forgotten"}  # its owner still sees everything
    await stage.as_owner("ALTER TABLE forgotten FORCE ROW LEVEL SECURITY")
    assert await unprotected(stage) == set()


async def unprotected(stage: Stage, *allowed: str) -> set[str]:
    async with stage.system.system_transaction() as connection:
        return await tables_without_policy(connection, allowed=allowed)
