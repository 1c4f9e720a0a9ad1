"""A projection is rebuilt from its owner's snapshot, while the service goes on."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from chassis.core import new_id
from chassis.snapshots.rebuilds import Mode
from chassis.testing.waiting import eventually, running

from ..sample.copies import copying
from ..sample.events import SNAPSHOTS, THINGS, SnapshotBegun, SnapshotEnded
from ..sample.process import process
from ..sample.stage import Stage, noting
from .test_crashes import armed, dies


async def furnish(stage: Stage, *names: str) -> dict[UUID, str]:
    """Makes things and waits until each has its copy."""
    things = {await stage.make(name): name for name in names}
    await stage.until_copies(things)
    return things


async def damage(stage: Stage, thing: UUID) -> None:
    await stage.execute("UPDATE copies SET name = 'broken', org_id = :other WHERE id = :id", id=thing, other=new_id())


async def sequence(stage: Stage, thing: UUID, consumer: str = "sample.copies") -> int:
    """How far a consumer is with a thing."""
    rows = await stage.rows(
        "SELECT sequence FROM inbox WHERE consumer = :consumer AND key = :key", consumer=consumer, key=str(thing)
    )
    return int(rows[0].sequence) if rows else 0


async def everything(stage: Stage) -> list[Any]:
    """What a check must not change."""
    copies = await stage.rows("SELECT * FROM copies ORDER BY id")
    return [*copies, *await stage.rows("SELECT * FROM inbox WHERE consumer = 'sample.copies' ORDER BY key")]


async def marks(stage: Stage, kind: type[Any]) -> int:
    """How many such messages stand on the topic of snapshots."""
    records = await stage.topics.read(SNAPSHOTS.name)
    return sum(dict(one.headers)["ce_type"].decode() == kind.contract.kind for one in records)


async def test_a_rebuild_mends_a_damaged_row_brings_a_missing_one_and_removes_one_of_nothing(stage: Stage) -> None:
    async with running(*stage.copying(copying())):
        things = await furnish(stage, "chair", "table", "lamp")
        (chair, table, _), stranger = things, new_id()
        await damage(stage, chair)
        await stage.execute("DELETE FROM copies WHERE id = :id", id=table)
        await stage.execute("INSERT INTO copies VALUES (:id, :org, 'ghost')", id=stranger, org=stage.org_id)
        ended = await stage.until_ended(await stage.ask(Mode.REBUILD))
    assert (ended.error, ended.items, ended.applied) == (None, 3, 3)
    assert set(ended.differing_keys) == {str(chair), str(table), str(stranger)}
    assert await stage.copies() == things
    assert await stage.rows("SELECT DISTINCT org_id FROM copies") == [(stage.org_id,)]
    assert await stage.rows("SELECT * FROM inbox WHERE sequence = 0") == []


async def test_a_projection_that_was_lost_with_its_inbox_comes_back_row_for_row(stage: Stage) -> None:
    async with running(*stage.copying(copying())):
        things = await furnish(stage, "chair", "table", "lamp")
        await stage.until_read("sample.copies")
        await stage.execute("DELETE FROM copies")
        await stage.execute("DELETE FROM inbox")
        await stage.until_ended(await stage.ask(Mode.REBUILD))
        assert await stage.copies() == things
        chair = next(iter(things))
        await stage.rename(chair, "armchair")
        await stage.until_copies({**things, chair: "armchair"})


async def test_what_was_deleted_goes_and_no_late_event_brings_it_back(stage: Stage) -> None:
    thing = new_id()
    await stage.make("chair", thing)
    await stage.execute("UPDATE things SET name = '', sequence = 3 WHERE id = :id", id=thing)
    async with running(*stage.copying(copying())):
        await stage.until_copies({thing: "chair"})
        await stage.until_ended(await stage.ask(Mode.REBUILD))
        assert await stage.copies() == {}
        await stage.topics.send(stage.fact(thing, 2, "stool"), stage.fact(thing, 3, "bench"))
        await stage.until_read("sample.copies")
    assert await stage.copies() == {}
    assert await sequence(stage, thing) == 3


async def test_rebuilding_while_events_flow_ends_equal(stage: Stage) -> None:
    async with running(*stage.copying(copying())):
        things = await furnish(stage, *(f"thing {number}" for number in range(30)))
        await stage.execute("UPDATE copies SET name = 'broken'")
        asked = await stage.ask(Mode.REBUILD)
        for number in range(5):
            for thing in things:
                await stage.rename(thing, f"name {number}")
        await stage.make("late")
        assert (await stage.until_ended(asked)).error is None
        names = {row.id: row.name for row in await stage.rows("SELECT id, name FROM things")}
        await stage.until_copies(names)
        checked = await stage.until_ended(await stage.ask(Mode.CHECK))
    assert (checked.differing, checked.applied) == (0, 31)
    assert await stage.letters() == []


async def test_a_dead_letter_that_the_snapshot_contains_goes_and_the_rest_of_its_key_flows(stage: Stage) -> None:
    async with running(*stage.copying(copying())):
        things = await furnish(stage, "chair")
        (chair,) = things
        poison = stage.fact(chair, 2).with_header("content-type", b"text/html")
        await stage.topics.send(poison.with_header("content-type", b"application/json").with_value(b"{"))
        await stage.topics.send(stage.fact(chair, 3, "later"), stage.fact(chair, 4, "armchair"))
        await stage.until_parked(3)
        await stage.execute("UPDATE things SET name = 'stool', sequence = 3 WHERE id = :id", id=chair)
        await stage.until_ended(await stage.ask(Mode.REBUILD))
        await stage.until_copies({chair: "armchair"})
        await stage.until_parked(0)
    assert await stage.rows("SELECT * FROM parked_keys") == []
    assert await sequence(stage, chair) == 4


@pytest.mark.parametrize(("point", "complete"), [("snapshot.items", 0), ("snapshot.sent", 1)])
async def test_an_owner_killed_half_way_begins_anew_and_the_rebuild_ends_well(
    stage: Stage, tmp_path: Path, point: str, complete: int
) -> None:
    things = {await stage.make(name): name for name in ("chair", "table")}
    async with running(*stage.consuming(copying()), stage.rebuilding(copying())):
        with process(stage.environment, "owner", **armed(point, tmp_path)) as owner:
            asked = await stage.ask(Mode.REBUILD)
            await eventually(lambda: dies(owner), within=30)
        assert (await marks(stage, SnapshotBegun), await marks(stage, SnapshotEnded)) == (1, complete)
        async with running(*stage.owning()):
            ended = await stage.until_ended(asked)
            await eventually(lambda: published(stage))
    assert (ended.error, ended.items) == (None, 2)
    assert await stage.copies() == things
    assert (await marks(stage, SnapshotBegun), await marks(stage, SnapshotEnded)) == (2, complete + 1)


async def published(stage: Stage) -> bool:
    return await stage.rows("SELECT 1 FROM snapshot_requests WHERE published_at IS NULL") == []


@pytest.mark.parametrize(("point", "broken"), [("rebuild.batch", 10), ("rebuild.ending", 0)])
async def test_a_reader_killed_half_way_is_followed_by_one_that_ends_the_rebuild(
    stage: Stage, tmp_path: Path, point: str, broken: int
) -> None:
    async with running(*stage.owning(), *stage.consuming(copying())):
        things = await furnish(stage, *(f"thing {number}" for number in range(60)))
        await stage.execute("UPDATE copies SET name = 'broken'")
        asked = await stage.ask(Mode.REBUILD)
        with process(stage.environment, "rebuilder", **armed(point, tmp_path)) as reader:
            await eventually(lambda: dies(reader), within=30)
        assert list((await stage.copies()).values()).count("broken") >= broken
        async with running(stage.rebuilding(copying())):
            ended = await stage.until_ended(asked)
    assert (ended.error, ended.items) == (None, 60)
    assert await stage.copies() == things
    assert await marks(stage, SnapshotBegun) == 1


async def test_a_check_finds_what_differs_and_changes_nothing(stage: Stage) -> None:
    async with running(*stage.copying(copying())):
        things = await furnish(stage, "chair", "table", "lamp")
        equal = await stage.until_ended(await stage.ask(Mode.CHECK))
        assert (equal.differing, equal.applied, equal.differing_keys) == (0, 3, [])
        (chair, table, _), stranger = things, new_id()
        await damage(stage, chair)
        await stage.execute("DELETE FROM copies WHERE id = :id", id=table)
        await stage.execute("INSERT INTO copies VALUES (:id, :org, 'ghost')", id=stranger, org=stage.org_id)
        before = (
            await stage.rows("SELECT * FROM copies ORDER BY id"),
            await stage.rows("SELECT * FROM inbox ORDER BY key"),
        )
        checked = await stage.until_ended(await stage.ask(Mode.CHECK))
        after = (
            await stage.rows("SELECT * FROM copies ORDER BY id"),
            await stage.rows("SELECT * FROM inbox ORDER BY key"),
        )
    assert set(checked.differing_keys) == {str(chair), str(table), str(stranger)}
    assert (checked.differing, checked.items, checked.newer, checked.lagging) == (3, 3, 0, 0)
    assert before == after


async def test_a_check_does_not_judge_where_the_consumer_stands_elsewhere(stage: Stage) -> None:
    async with running(*stage.copying(copying())):
        things = await furnish(stage, "chair", "table")
        chair, table = things
        await stage.execute("UPDATE inbox SET sequence = 0 WHERE key = :key", key=str(chair))
        await stage.execute("UPDATE inbox SET sequence = 2 WHERE key = :key", key=str(table))
        checked = await stage.until_ended(await stage.ask(Mode.CHECK))
    assert (checked.lagging, checked.newer, checked.applied, checked.differing) == (1, 1, 0, 0)


async def test_a_new_consumer_is_seeded_and_goes_on_with_the_next_event(stage: Stage) -> None:
    """Its topic has lost the first events: here they were never sent."""
    old, seen = new_id(), new_id()
    for thing in (old, seen):
        await stage.make("chair", thing)
        await stage.execute("DELETE FROM outbox")
        await stage.execute("UPDATE things SET sequence = 7 WHERE id = :id", id=thing)
    await stage.rename(seen, "stool")
    async with running(*stage.copying(noting())):
        await stage.until_parked(1)
        await stage.until_ended(await stage.ask(Mode.SEED))
        await stage.until_parked(0)
        assert await stage.effects("sample.copies") == []
        await stage.rename(old, "bench")
        await stage.rename(seen, "armchair")
        await stage.until_effects("sample.copies", ["bench"], old)
        await stage.until_effects("sample.copies", ["armchair"], seen)


async def test_a_seed_leaves_alone_what_the_consumer_has_met(stage: Stage) -> None:
    async with running(*stage.copying(copying())):
        things = await furnish(stage, "chair", "table")
        chair, table = things
        await stage.execute("UPDATE copies SET name = 'mine' WHERE id = :id", id=chair)
        await stage.execute("DELETE FROM inbox WHERE key = :key", key=str(table))
        await stage.execute("UPDATE copies SET name = 'unmet' WHERE id = :id", id=table)
        seeded = await stage.until_ended(await stage.ask(Mode.SEED))
    assert (seeded.applied, seeded.newer) == (1, 1)
    assert await stage.copies() == {chair: "mine", table: "table"}
    assert await sequence(stage, table) == 1


async def test_a_state_that_cannot_be_projected_ends_the_rebuild_and_names_its_key(stage: Stage) -> None:
    async with running(*stage.copying(copying())):
        things = await furnish(stage, "chair", "table")
        chair = min(things, key=str)
        await stage.execute("UPDATE things SET name = 'impossible' WHERE id = :id", id=chair)
        failed = await stage.until_ended(await stage.ask(Mode.REBUILD))
        assert failed.status == "failed"
        assert failed.error == f"{chair}: ValueError: no copy can be made of that"
        assert await stage.copies() == things
        await stage.execute("UPDATE things SET name = 'chair' WHERE id = :id", id=chair)
        assert (await stage.until_ended(await stage.ask(Mode.REBUILD))).status == "done"


async def test_a_rebuild_gives_way_to_a_later_one_of_the_same_consumer(stage: Stage) -> None:
    first = await stage.ask(Mode.REBUILD)
    second = await stage.ask(Mode.CHECK)
    async with running(*stage.copying(copying())):
        await stage.until_ended(second)
    assert (await stage.until_ended(first)).error == f"gave way to {second}"
    assert await marks(stage, SnapshotBegun) == 1


async def test_two_consumers_are_rebuilt_side_by_side(stage: Stage) -> None:
    one, other = copying(), noting("sample.others")
    async with running(*stage.copying(one, other)):
        await furnish(stage, "chair", "table")
        await stage.until_read("sample.others", THINGS.name)
        asked = [await stage.ask(Mode.REBUILD), await stage.ask(Mode.SEED, "sample.others")]
        rebuilt, seeded = [await stage.until_ended(each) for each in asked]
    assert (rebuilt.applied, seeded.newer) == (2, 2)


async def test_another_process_takes_over_from_one_that_leads_no_more(stage: Stage) -> None:
    first, second = stage.rebuilding(copying()), stage.rebuilding(copying())
    async with running(*stage.owning(), *stage.consuming(copying()), second):
        await furnish(stage, "chair")

        async def leads() -> bool:
            return second.health().line == "nothing is to be rebuilt"

        await eventually(leads)
        async with running(first):

            async def follows() -> bool:
                return first.health().line == "another process rebuilds"

            await eventually(follows)
            await stage.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'sample.rebuilds' AND datname = current_database()"
            )
            assert (await stage.until_ended(await stage.ask(Mode.REBUILD))).status == "done"
