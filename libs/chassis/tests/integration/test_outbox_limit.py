"""The limit on what waits in the outbox: writes are refused clearly, consumers wait, reads go on, it ends by itself."""

import httpx
import pytest

from chassis.core import Ok, Outcome, Result, new_id
from chassis.database import is_passing
from chassis.health import Status
from chassis.http.app import create_app
from chassis.http.door import Doors
from chassis.http.identity import Identity
from chassis.http.pages import Cursors
from chassis.http.revocations import Revocations
from chassis.kafka.consumer import Consumer, on
from chassis.outbox.backlog import Backlog, measure
from chassis.outbox.store import OutboxIsFull
from chassis.settings import DEVELOPMENT_KEY
from chassis.testing.client import client_of
from chassis.testing.tokens import a_caller
from chassis.testing.waiting import eventually, running

from ..sample.events import OrderRefused, ThingMade
from ..sample.service import Make, SampleTransaction, make
from ..sample.stage import Stage
from .test_door import KEYS, Slow, routes

COPIES = "sample.copies"
FILL = """
    INSERT INTO outbox (topic, key, sequence, headers, value, sent_at)
    SELECT 'testing-things', 'filled', n, '[]', convert_to(repeat('x', 1000), 'UTF8'),
        CASE WHEN n % :every = 0 THEN NULL ELSE now() END
    FROM generate_series(1, :rows) AS n
"""


async def test_a_full_outbox_refuses_commands_and_lets_reads_go_on_until_there_is_room(stage: Stage) -> None:
    backlog = stage.backlog(rows=3)
    async with running(backlog), client(stage) as http:
        for name in ("a", "b", "c"):
            assert (await http.post("/api/v1/things", json={"name": name})).status_code == 201
        await eventually(lambda: is_full(stage))
        refused = await http.post("/api/v1/things", json={"name": "d"})
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:stoa:problem:outbox-full")
        assert int(refused.headers["retry-after"]) > 0
        read = await http.get("/api/v1/things")
        assert [thing["name"] for thing in read.json()["items"]] == ["a", "b", "c"]
        assert backlog.health().status is Status.DEGRADED
        assert backlog.health().line.startswith("full, writes are refused: 3 messages")
        async with running(stage.relay()):
            await eventually(lambda: has_room(stage))
        assert (await http.post("/api/v1/things", json={"name": "d"})).status_code == 201
    assert len(await stage.rows("SELECT 1 FROM things")) == 4


async def test_a_consumer_that_meets_a_full_outbox_waits_in_place_and_loses_nothing(stage: Stage) -> None:
    async def answer(tx: SampleTransaction, event: ThingMade) -> Outcome:
        await tx.note(COPIES, event.thing_id, event.name)
        tx.work.publish_record(OrderRefused(thing_id=event.thing_id, slug=event.name), key="k", org_id=stage.org_id)
        return Ok(None)

    first, second = new_id(), new_id()
    parts = stage.consuming(Consumer(COPIES, [on(ThingMade, answer)]))
    stage.outbox.full = True
    async with running(*parts):
        poison = stage.fact(new_id(), 1).without("ce_actor")  # so that each goes alone, too
        await stage.topics.send(stage.fact(first, 1, "a"), poison, stage.fact(second, 1, "b"))
        await eventually(lambda: waits(parts[1].health().line))
        assert await stage.effects(COPIES) == []
        stage.outbox.full = False
        await stage.until_effects(COPIES, ["a"], first)
        await stage.until_effects(COPIES, ["b"], second)
        await stage.until_read(COPIES)
    assert [letter.value for letter in await stage.letters()] == [poison.value]
    assert len(await stage.rows("SELECT 1 FROM outbox WHERE topic = 'testing-replies'")) == 2


async def test_a_run_of_the_service_itself_fails_for_the_moment_and_not_for_good(stage: Stage) -> None:
    stage.outbox.full = True
    with pytest.raises(OutboxIsFull):
        await stage.run(make, "lamp")
    assert await stage.rows("SELECT 1 FROM things") == []

    async def look(_: SampleTransaction, __: Make) -> Result[None]:
        return Ok(None)

    assert isinstance(await stage.runner.run(stage.context(), look, Make(new_id(), "")), Ok)


async def test_a_process_that_sends_nothing_itself_measures_too_and_bytes_count(stage: Stage) -> None:
    elsewhere = Stage(stage.environment, stage.org_id)
    async with running(elsewhere.backlog(size=10_000)):
        for _ in range(10):
            await stage.make("x" * 1000)
        await eventually(lambda: is_full(elsewhere))
    await elsewhere.close()


async def test_health_says_long_before_the_limit_how_much_waits(stage: Stage) -> None:
    backlog = stage.backlog(rows=20)
    async with running(backlog):
        await eventually(lambda: says(backlog, Status.HEALTHY, "nothing waits"))
        for name in ("a", "b"):
            await stage.make(name)
        await eventually(lambda: says(backlog, Status.DEGRADED, "2 messages"))
        await stage.execute("UPDATE outbox SET sent_at = now()")
        await eventually(lambda: says(backlog, Status.HEALTHY, "nothing waits"))


@pytest.mark.parametrize(("rows", "every"), [(60_000, 1), (90_000, 3)])
async def test_much_is_estimated_within_a_few_per_cent(stage: Stage, rows: int, every: int) -> None:
    await stage.execute(FILL, rows=rows, every=every)
    async with stage.raw() as connection:
        found = await measure(connection)
    each = (await stage.rows("SELECT octet_length(value) + pg_column_size(headers) AS size FROM outbox LIMIT 1"))[
        0
    ].size
    assert found.rows == pytest.approx(rows / every, rel=0.15)
    assert found.bytes == pytest.approx(found.rows * each, rel=0.01)


async def test_rows_that_a_replay_sends_again_do_not_count(stage: Stage) -> None:
    await stage.execute(FILL, rows=100, every=1)
    await stage.execute("INSERT INTO broker (cluster_id, replayed_through) VALUES ('known', 90)")
    async with stage.raw() as connection:
        assert (await measure(connection)).rows == 10
        assert (await measure(connection, again=True)).rows == 90


async def test_without_its_database_it_says_so_and_goes_on(stage: Stage) -> None:
    backlog = stage.backlog()
    async with running(backlog):
        await eventually(lambda: says(backlog, Status.HEALTHY, "nothing waits"))
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sample.outbox'"
        await stage.execute(f"{cut} AND datname = current_database()")
        await eventually(lambda: says(backlog, Status.DEGRADED, "not measured"))
        await eventually(lambda: says(backlog, Status.HEALTHY, "nothing waits"))


def client(stage: Stage) -> httpx.AsyncClient:
    """Of an app over the stage's own runner."""
    doors = Doors(Identity(KEYS, Revocations()), stage.runner, Cursors([DEVELOPMENT_KEY.encode()]))
    app = create_app("things", [routes(doors, Slow())], dict, passing=is_passing)
    return client_of(app, KEYS.headers(a_caller(org_id=stage.org_id)))


async def is_full(stage: Stage) -> bool:
    return stage.outbox.full


async def has_room(stage: Stage) -> bool:
    return not stage.outbox.full


async def waits(line: str) -> bool:
    return "OutboxIsFull" in line


async def says(backlog: Backlog, status: Status, beginning: str) -> bool:
    return backlog.health().status is status and backlog.health().line.startswith(beginning)
