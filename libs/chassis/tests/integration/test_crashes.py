"""kill -9 at each named point of a message's way: afterwards all of it is there, once, in order."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest

from chassis.core import new_id
from chassis.testing.processes import Forked
from chassis.testing.waiting import eventually, running

from ..sample.events import THINGS
from ..sample.process import PROCESS, process
from ..sample.stage import Stage, noting

COPIES = "sample.copies"
KILLED = -9


async def dies(died: Forked) -> bool:
    return died.poll() == KILLED


def armed(point: str, folder: Path) -> dict[str, str]:
    """The setting with which a process of the sample service dies at `point`."""
    (folder / PROCESS).write_text(point)
    return {"STOA_CRASH_FOLDER": str(folder)}


@pytest.mark.parametrize(("point", "stored"), [("begun", 0), ("written", 0), ("outbox", 0), ("committed", 1)])
async def test_a_command_that_dies_leaves_state_and_event_or_neither(
    stage: Stage, tmp_path: Path, point: str, stored: int
) -> None:
    thing = new_id()
    with process(stage.environment, "make", str(thing), "lamp", **armed(f"command.{point}", tmp_path)) as died:
        await eventually(lambda: dies(died), within=30)
    assert len(await stage.rows("SELECT 1 FROM things")) == stored
    assert len(await stage.rows("SELECT 1 FROM outbox")) == stored
    async with running(stage.relay()):
        await stage.until_sent()
    assert len(await stage.topics.read(THINGS.name)) == stored


@pytest.mark.parametrize("point", ["claimed", "half", "sent", "acked"])
async def test_a_relay_that_dies_loses_nothing_and_repeats_at_most_its_batch(
    stage: Stage, tmp_path: Path, point: str
) -> None:
    thing = await stage.make("1")
    for number in range(2, 11):
        await stage.rename(thing, str(number))
    with process(stage.environment, "relay", **armed(f"relay.{point}", tmp_path)) as died:
        await eventually(lambda: dies(died), within=30)
    names = [str(number) for number in range(1, 11)]
    async with running(stage.relay(), *stage.consuming(noting())):
        await stage.until_effects(COPIES, names)
        await stage.until_read(COPIES)
        assert await stage.effects(COPIES) == names
    assert len(await stage.topics.read(THINGS.name)) <= 20


@pytest.mark.parametrize("point", ["fetched", "inbox", "written", "committed"])
async def test_a_consumer_that_dies_applies_each_event_once(stage: Stage, tmp_path: Path, point: str) -> None:
    things = [new_id() for _ in range(5)]
    await stage.topics.send(*(stage.fact(thing, number) for number in (1, 2, 3) for thing in things))
    with process(stage.environment, "worker", **armed(f"consumer.{point}", tmp_path)) as died:
        await eventually(lambda: dies(died), within=30)
    await finish(stage, lambda: all_applied(stage, things))


@pytest.mark.parametrize("point", ["park.begun", "park.committed", "redrive.applied"])
async def test_a_consumer_that_dies_while_it_parks_applies_each_event_once(
    stage: Stage, tmp_path: Path, point: str
) -> None:
    thing = new_id()
    poison = stage.fact(new_id(), 1).without("ce_actor")
    with process(stage.environment, "worker", **armed(point, tmp_path)) as died:
        await stage.topics.send(poison, stage.fact(thing, 3), stage.fact(thing, 2))
        if point == "redrive.applied":
            await stage.until_parked(3)
        await stage.topics.send(stage.fact(thing, 1))
        await eventually(lambda: dies(died), within=30)
    await finish(stage, lambda: all_applied(stage, [thing]))
    assert [letter.value for letter in await stage.letters()] == [poison.value]


async def all_applied(stage: Stage, things: list[UUID]) -> None:
    for thing in things:
        await stage.until_effects(COPIES, ["1", "2", "3"], thing)


async def finish(stage: Stage, check: Callable[[], Awaitable[None]]) -> None:
    """Another process of the service goes on where the dead one was."""
    async with running(*stage.consuming(noting())):
        await check()
        await stage.until_read(COPIES)
        await check()
