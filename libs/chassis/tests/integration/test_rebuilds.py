"""A projection is rebuilt from its owner's snapshot, while the service goes on."""

from chassis.core import new_id
from chassis.snapshots.rebuilds import Mode
from chassis.testing.waiting import running

from ..sample.copies import copying
from ..sample.stage import Stage


async def test_a_rebuild_mends_a_damaged_row_brings_a_missing_one_and_removes_one_of_nothing(stage: Stage) -> None:
    async with running(*stage.copying(copying())):
        things = {await stage.make(name): name for name in ("chair", "table", "lamp")}
        await stage.until_copies(things)
        chair, table, _ = things
        stranger = new_id()
        await stage.execute(
            "UPDATE copies SET name = 'broken', org_id = :other WHERE id = :id", id=chair, other=new_id()
        )
        await stage.execute("DELETE FROM copies WHERE id = :id", id=table)
        await stage.execute("INSERT INTO copies VALUES (:id, :org, 'ghost')", id=stranger, org=stage.org_id)
        ended = await stage.until_ended(await stage.ask(Mode.REBUILD))
    assert (ended.error, ended.items, ended.applied) == (None, 3, 3)
    assert set(ended.differing_keys) == {str(chair), str(table), str(stranger)}
    assert await stage.copies() == things
    assert await stage.rows("SELECT DISTINCT org_id FROM copies") == [(stage.org_id,)]
