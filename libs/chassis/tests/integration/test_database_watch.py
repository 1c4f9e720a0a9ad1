"""The health of the database, told as it is."""

from chassis.database import Database
from chassis.database_watch import DatabaseWatch
from chassis.health import Status
from chassis.testing.waiting import eventually, running

from ..sample.stage import Stage


async def test_a_database_that_answers_is_healthy(stage: Stage) -> None:
    watch = DatabaseWatch(stage.database)
    assert watch.health().status is Status.UNHEALTHY

    async def healthy() -> bool:
        return watch.health().status is Status.HEALTHY

    async with running(watch):
        assert await eventually(healthy)


async def test_a_database_that_is_away_is_named(stage: Stage) -> None:
    away = Database("postgresql://nobody:secret-canary@127.0.0.1:1/none", application="sample")
    watch = DatabaseWatch(away)

    async def tried() -> bool:
        return "does not answer" in watch.health().line

    async with running(watch):
        assert await eventually(tried)
    assert "secret-canary" not in watch.health().line
    await away.close()
