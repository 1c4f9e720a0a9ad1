"""What stands behind the code's own filters."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from auth.adapters.tables import PLATFORM_WIDE
from chassis.core import new_id
from chassis.database import Database
from chassis.testing.row_security import tables_without_policy

OPEN_AN_ORGANISATION = (
    "INSERT INTO organisations VALUES (:org, 'Night Owl', now(), 1, 1)",
    "INSERT INTO users VALUES (:user, :email, 'Ada', :org, 'active', now(), 1, 1)",
    "INSERT INTO organisation_members VALUES (gen_random_uuid(), :org, :user, 'admin', now(), true, 1, 1)",
    "INSERT INTO invitations VALUES"
    " (gen_random_uuid(), :org, 'g@example.com', 'editor', :user, now(), now(), NULL, NULL, :digest)",
    "INSERT INTO sessions VALUES (:session, :org, :user, now(), now())",
    "INSERT INTO refresh_tokens VALUES (:digest, :session, :org, NULL, NULL)",
)
TENANT_TABLES = ("organisations", "organisation_members", "invitations", "sessions", "refresh_tokens")


async def test_every_table_has_a_policy_or_a_reason_to_have_none(database: Database) -> None:
    async with database.system_transaction() as connection:
        assert await tables_without_policy(connection) == set(PLATFORM_WIDE)


@pytest.mark.parametrize("table", TENANT_TABLES)
async def test_a_query_without_a_filter_shows_only_the_organisation_of_its_transaction(
    database: Database, table: str
) -> None:
    mine, other = new_id(), new_id()
    for org_id in (mine, other):
        values: dict[str, object] = {"org": org_id, "user": new_id(), "session": new_id()}
        values |= {"email": f"{org_id}@example.com", "digest": org_id.bytes * 2}
        async with database.transaction([org_id]) as connection:
            for statement in OPEN_AN_ORGANISATION:
                await connection.execute(text(statement), values)
    query = text(f"SELECT org_id FROM {table}")
    async with database.transaction([mine]) as connection:
        assert set((await connection.execute(query)).scalars()) == {mine}
        assert (await connection.execute(text(f"DELETE FROM {table} WHERE org_id = :id"), {"id": other})).rowcount == 0
        await connection.rollback()
    async with database.transaction([]) as connection:
        assert (await connection.execute(query)).all() == []


async def test_nothing_can_be_written_into_another_organisation(database: Database) -> None:
    statement = text("INSERT INTO organisations VALUES (:org, 'Theirs', now(), 1, 1)")
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.transaction([new_id()]) as connection:
            await connection.execute(statement, {"org": new_id()})
