"""Events that kill their process: found, put aside, and nothing else with them."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from chassis.core import Ok, Outcome, new_id
from chassis.kafka.consumer import Consumer, on
from chassis.operations.dead_letters import Choice, redrive
from chassis.testing.waiting import eventually, running

from ..sample.deadly import KILLS, TAKES_TIME
from ..sample.events import REPLIES, THINGS, OrderRefused, ThingMade
from ..sample.process import process
from ..sample.service import SampleTransaction
from ..sample.stage import Stage, noting
from .test_delivery import an_order
from .test_parking import Handler

COPIES = "sample.copies"
PATIENT = "sample.patient"
KILLED = -9


async def deaths(stage: Stage, survived: Callable[[], Awaitable[bool]]) -> int:
    """Starts the deadly process anew each time when it dies, until `survived`; answers how often it died."""
    for died in range(10):
        with process(stage.environment, "deadly") as started:

            async def over(started: Any = started) -> bool:
                return started.poll() is not None or await survived()

            await eventually(over, within=60)
            if started.poll() is None:
                return died
            assert started.poll() == KILLED
    raise AssertionError("it dies and dies")


async def test_an_event_that_kills_its_process_three_times_is_parked_and_others_are_applied(stage: Stage) -> None:
    thing, others = new_id(), [new_id() for _ in range(5)]
    facts = [stage.fact(thing, 1), stage.fact(thing, 2, KILLS), stage.fact(thing, 3)]
    await stage.topics.send(*(stage.fact(other, 1) for other in others), *facts, *(stage.fact(o, 2) for o in others))

    async def survived() -> bool:
        applied = [await stage.effects(COPIES, other) == ["1", "2"] for other in others]
        return all(applied) and len(await stage.letters()) == 2

    assert await deaths(stage, survived) == 3
    letters = await stage.letters()
    assert [(letter.sequence, letter.retry_at) for letter in letters] == [(2, None), (3, None)]
    assert letters[0].error == "killed its process 3 times"
    assert await stage.effects(COPIES, thing) == ["1"]
    assert [row for row in await attempts(stage) if row.consumer == COPIES] == []
    await mended(stage, thing)


async def mended(stage: Stage, thing: Any) -> None:
    """A release whose handler survives the event, and an operator who has it tried again."""
    async with running(*stage.consuming(noting())):
        async with stage.raw() as connection:
            redriven = await redrive(connection, Choice(consumer=COPIES))
        assert isinstance(redriven, Ok)
        assert len(redriven.value) == 1
        await stage.until_effects(COPIES, ["1", KILLS, "3"], thing)
        await stage.until_parked(0)
    assert [row for row in await attempts(stage) if row.consumer == COPIES] == []


async def test_an_innocent_event_that_is_under_way_whenever_another_kills_the_process_is_not_parked(
    stage: Stage,
) -> None:
    innocent, killer = new_id(), new_id()
    await stage.topics.send(stage.fact(innocent, 1, TAKES_TIME), stage.fact(killer, 1, KILLS))

    async def survived() -> bool:
        return len(await stage.letters()) == 1 and len(await stage.effects(PATIENT)) == 2

    assert await deaths(stage, survived) in (3, 4)
    assert await stage.letters(PATIENT) == []
    assert sorted(await stage.effects(PATIENT)) == [KILLS, TAKES_TIME]
    await eventually(lambda: without_attempts(stage))


async def test_an_event_that_is_under_way_at_two_kills_from_outside_is_applied(stage: Stage) -> None:
    await stage.topics.send(stage.fact(new_id(), 1, TAKES_TIME))
    for tries in (1, 2):
        with process(stage.environment, "deadly"):
            await eventually(partial(tried, stage, tries), within=30)
    with process(stage.environment, "deadly"):
        await stage.until_effects(PATIENT, [TAKES_TIME], within=30)
        await eventually(lambda: without_attempts(stage))
    assert await stage.letters(PATIENT) == []


async def test_a_parked_event_that_kills_its_process_when_it_is_tried_again_waits_for_a_person(stage: Stage) -> None:
    thing, other = new_id(), new_id()
    await stage.topics.send(stage.fact(thing, 2, KILLS), stage.fact(other, 2), stage.fact(other, 1))
    with process(stage.environment, "deadly"):
        await stage.until_parked(1)
    await stage.topics.send(stage.fact(thing, 1))

    async def survived() -> bool:
        letters = await stage.letters()
        return [letter.error for letter in letters] == ["killed its process 3 times"]

    assert await deaths(stage, survived) == 3
    assert await stage.effects(COPIES, thing) == ["1"]
    assert await stage.effects(COPIES, other) == ["1", "2"]


async def test_a_command_that_kills_its_process_is_refused(stage: Stage) -> None:
    await stage.topics.send(an_order(stage, new_id(), KILLS), an_order(stage, new_id(), "paint it"))

    async def survived() -> bool:
        refused = await stage.rows("SELECT 1 FROM outbox WHERE topic = 'testing-replies'")
        return len(refused) == 1 and await stage.effects("sample.orders") == ["paint it"]

    assert await deaths(stage, survived) == 3
    async with running(stage.relay()):
        await stage.until_sent()
    replies = await stage.topics.read(REPLIES.name)
    assert [OrderRefused.model_validate_json(reply.value).slug for reply in replies] == ["too-late"]
    assert await attempts(stage) == []


async def test_only_what_waited_at_the_assignment_costs_rows(stage: Stage) -> None:
    await stage.as_owner("""
        CREATE SEQUENCE writes; GRANT ALL ON SEQUENCE writes TO PUBLIC;
        CREATE FUNCTION count_write() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM nextval('writes'); RETURN NULL; END $$;
        CREATE TRIGGER counted AFTER INSERT OR UPDATE OR DELETE ON attempts EXECUTE FUNCTION count_write();
    """)
    things = [new_id() for _ in range(30)]
    await stage.topics.send(*(stage.fact(thing, 1) for thing in things))
    async with running(*stage.consuming(noting())):
        await stage.until_read(COPIES)
        waiting = await writes(stage)
        for number in (2, 3, 4):
            await stage.topics.send(*(stage.fact(thing, number) for thing in things))
            await stage.until_read(COPIES)
        assert len(await stage.effects(COPIES)) == 120
        assert await writes(stage) == waiting > 0
        assert await attempts(stage) == []


async def test_whatever_becomes_of_an_event_its_row_goes(stage: Stage) -> None:
    handler = Handler()
    handler.answers["raises"] = ValueError("a bug")
    facts = [stage.fact(new_id(), 1, name) for name in ("raises", "succeeds")]
    seen, gap, poison = stage.fact(new_id(), 1), stage.fact(new_id(), 2), stage.fact(new_id(), 1).without("ce_actor")
    await stage.topics.send(*facts, seen, gap, poison, seen)
    async with running(*stage.consuming(handler.consumer)):
        await stage.until_parked(3)
        await stage.until_read(COPIES)
        await eventually(lambda: without_attempts(stage))


async def test_a_parked_event_that_comes_again_keeps_its_count(stage: Stage) -> None:
    gap = stage.fact(new_id(), 2)
    await stage.topics.send(gap)
    async with running(*stage.consuming(noting())):
        [letter] = await stage.until_parked(1)
        await stage.until_read(COPIES)
    await stage.execute("UPDATE dead_letters SET retry_at = NULL")
    columns = f"'{COPIES}', '{THINGS.name}', '{letter.event_id}', 2"
    await stage.execute(f"INSERT INTO attempts (consumer, topic, event_id, tries) VALUES ({columns})")
    await stage.topics.send(gap)
    async with running(*stage.consuming(noting())):
        await stage.until_read(COPIES)
    assert [row.tries for row in await attempts(stage)] == [2]


async def test_an_event_whose_consumer_is_told_to_stop_is_not_counted(stage: Stage) -> None:
    begun = asyncio.Event()

    async def hang(tx: SampleTransaction, event: ThingMade) -> Outcome:
        begun.set()
        await asyncio.sleep(60)
        return Ok(None)

    await stage.topics.send(stage.fact(new_id(), 1))
    async with running(*stage.consuming(Consumer(COPIES, [on(ThingMade, hang)]))):
        await begun.wait()
        assert len(await attempts(stage)) == 1
    assert await attempts(stage) == []


async def attempts(stage: Stage) -> list[Any]:
    return await stage.rows("SELECT * FROM attempts")


async def without_attempts(stage: Stage) -> bool:
    return await attempts(stage) == []


async def tried(stage: Stage, tries: int) -> bool:
    return [row.tries for row in await attempts(stage) if row.consumer == PATIENT] == [tries]


async def writes(stage: Stage) -> int:
    found = await stage.rows("SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS n FROM writes")
    return int(found[0].n)
