from sqlalchemy import text

from chassis.core import new_id
from chassis.database import Database
from chassis.testing.row_security import tables_without_policy

MODULE = text("""
INSERT INTO modules
    (id, org_id, kind, owner_id, name, status, data, deleted, created_at, changed_at, revision, sequence)
VALUES (:id, :org_id, 'project', :id, 'Tour', 'planned', '{}', false, now(), now(), 1, 1)
""")
VERSION = text("""
INSERT INTO module_versions (module_id, number, org_id, what, changed, user_id, at, name, status, data)
VALUES (:id, 1, :org_id, 'created', '{}', :id, now(), 'Tour', 'planned', '{}')
""")
COMMAND = text("INSERT INTO commands (org_id, id, verdict, reply) VALUES (:org_id, :id, 'refused', '{}')")
TABLES = ("modules", "module_versions", "commands")


async def test_every_table_has_a_policy_or_a_reason_to_have_none(database: Database) -> None:
    async with database.system_transaction() as connection:
        assert await tables_without_policy(connection) == set()


async def test_a_query_without_a_filter_shows_only_the_organisation_of_its_transaction(database: Database) -> None:
    mine, other = new_id(), new_id()
    for org_id in (mine, other):
        async with database.transaction([org_id]) as connection:
            for insert in (MODULE, VERSION, COMMAND):
                await connection.execute(insert, {"id": org_id, "org_id": org_id})
    for table in TABLES:
        query = text(f"SELECT org_id FROM {table}")
        async with database.transaction([mine]) as connection:
            assert set((await connection.execute(query)).scalars()) == {mine}
        async with database.transaction([]) as connection:
            assert (await connection.execute(query)).all() == []


async def test_a_change_without_a_filter_reaches_only_the_organisation_of_its_transaction(database: Database) -> None:
    mine, other = new_id(), new_id()
    for org_id in (mine, other):
        async with database.transaction([org_id]) as connection:
            await connection.execute(MODULE, {"id": org_id, "org_id": org_id})
    async with database.transaction([mine]) as connection:
        await connection.execute(text("UPDATE modules SET name = 'Mine'"))
    async with database.transaction([other]) as connection:
        names = (await connection.execute(text("SELECT name FROM modules WHERE id = :id"), {"id": other})).scalars()
        assert names.all() == ["Tour"]
