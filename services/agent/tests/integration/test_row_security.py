from sqlalchemy import text

from chassis.core import new_id
from chassis.database import Database
from chassis.testing.row_security import tables_without_policy

OPEN = {
    "kinds",  # the kinds of the platform are the same for every organisation
    "run_leases",  # ids only: the queue of the workers, who serve all organisations
}
INSERT = text("INSERT INTO chats (id, org_id, participants) VALUES (:id, :org_id, '{}')")


async def test_every_table_has_a_policy_or_a_reason_to_have_none(database: Database) -> None:
    async with database.system_transaction() as connection:
        assert await tables_without_policy(connection, allowed=OPEN) == set()


async def test_a_query_without_a_filter_shows_only_the_organisation_of_its_transaction(database: Database) -> None:
    mine, other = new_id(), new_id()
    for org_id in (mine, other):
        async with database.transaction([org_id]) as connection:
            await connection.execute(INSERT, {"id": new_id(), "org_id": org_id})
    async with database.transaction([mine]) as connection:
        seen = set((await connection.execute(text("SELECT org_id FROM chats"))).scalars())
    async with database.transaction([]) as connection:
        without_scope = (await connection.execute(text("SELECT org_id FROM chats"))).all()
    assert seen == {mine}
    assert without_scope == []
