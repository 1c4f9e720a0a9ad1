"""Two at work on one key, step by step: what a random run may meet once in a thousand times."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.core import NotYet, Ok, Outcome, new_id
from chassis.dead_letters import DeadLetter, DeadLetters
from chassis.inbox import Inbox
from chassis.kafka import retrier
from chassis.kafka.applier import Applier
from chassis.kafka.arrival import Arrival
from chassis.kafka.consumer import Consumer, on
from chassis.kafka.dispatch import Dispatch
from chassis.kafka.resting import Resting
from chassis.kafka.retrier import Retrier
from chassis.operations.dead_letters import Choice, redrive
from chassis.snapshots.applying import Applying
from chassis.snapshots.rebuilds import Mode
from chassis.testing.waiting import eventually
from contracts.topics import Topic

from ..sample.events import ORDERS, THINGS, AggregateCaptured, OrderPlaced, ThingMade, ThingRenamed
from ..sample.service import SampleTransaction
from ..sample.stage import Stage
from ..sample.topics import Message
from .owner import Record
from .reader import Reader

COPIES = "sample.copies"

# What a session waits for is hidden from other roles, but not that it waits.
_WAITS = """
SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()
"""


class Handler:
    """Notes each event; a held one when it is let go, a failing one not at all."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.failing: dict[str, Outcome | Exception] = {}
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, tx: SampleTransaction, event: Any) -> Outcome:
        name = event.wish if isinstance(event, OrderPlaced) else event.name
        if name in self.held:
            self.begun.set()
            await self.go.wait()
        await tx.note(COPIES, event.thing_id, name)
        answer = self.failing.get(name, Ok(None))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def dispatch(self, stage: Stage) -> Dispatch[SampleTransaction]:
        kinds = (ThingMade, ThingRenamed, OrderPlaced)
        return Dispatch(Consumer(COPIES, [on(kind, self) for kind in kinds]), stage.runner)

    def applier(self, stage: Stage) -> Applier[SampleTransaction]:
        return Applier(self.dispatch(stage), asyncio.Event())

    def retrier(self, stage: Stage) -> Retrier[SampleTransaction]:
        return Retrier([self.dispatch(stage)], stage.database, asyncio.Event(), Resting([COPIES]))


def arrival(message: Message, topic: Topic = THINGS) -> Arrival:
    return Arrival.of(Record(message.key, message.value, message.headers, offset=0), topic)


@asynccontextmanager
async def begun(stage: Stage, work: Awaitable[object]) -> AsyncIterator[None]:
    """Inside, `work` waits for a lock of somebody else, or is done; afterwards it is done."""
    task = asyncio.ensure_future(work)

    async def waits() -> bool:
        return task.done() or bool(await stage.rows(_WAITS))

    try:
        await eventually(waits)
        yield
        await task
    finally:
        task.cancel()


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("sequence", [1, 2])
async def test_an_event_that_another_process_is_parking_is_not_applied_past_its_dead_letter(
    stage: Stage, sequence: int, alone: bool
) -> None:
    thing, applier = new_id(), Handler().applier(stage)
    facts = [arrival(stage.fact(thing, number)) for number in range(1, sequence + 1)]
    unreadable = [arrival(stage.fact(new_id(), 1).with_value(b"{"))] if alone else []
    await applier.apply(facts[:-1])
    letters, key = DeadLetters(COPIES, {}), (THINGS.name, str(thing))
    async with stage.raw() as other:
        parking = other.transaction()
        await parking.start()
        await letters.open_key(other, *key)
        assert await Inbox(COPIES).position(other, *key) == sequence - 1
        await letters.add(other, facts[-1], "poison", attempts=0, retry_in=None, deadline=None)
        async with begun(stage, applier.apply([*unreadable, *facts[-1:]])):
            await parking.commit()
    assert await stage.effects(COPIES) == [str(number) for number in range(1, sequence)]
    assert [letter.sequence for letter in await stage.letters() if letter.key == str(thing)] == [sequence]


async def test_bytes_that_another_release_is_just_applying_are_not_parked(stage: Stage) -> None:
    handler, good = Handler(), stage.fact(new_id(), 1)
    handler.held.add("1")
    await both(stage, handler, arrival(good), arrival(good.with_value(b"{")))
    assert await stage.effects(COPIES) == ["1"]


async def test_a_record_that_another_release_is_just_applying_is_not_parked(stage: Stage) -> None:
    handler, thing = Handler(), new_id()
    handler.held.add("paint it")
    order = OrderPlaced(thing_id=thing, wish="paint it", deadline=datetime.now(UTC) + timedelta(minutes=1))
    good = Message.of(order, key=str(thing), org_id=stage.org_id)
    await both(stage, handler, arrival(good, ORDERS), arrival(good.with_value(b"{"), ORDERS))
    assert await stage.effects(COPIES) == ["paint it"]


async def both(stage: Stage, handler: Handler, good: Arrival, poison: Arrival) -> None:
    """One process is in the middle of an event which another one cannot read."""
    applying = asyncio.ensure_future(handler.applier(stage).apply([good]))
    await handler.begun.wait()
    async with begun(stage, Handler().applier(stage).apply([poison])):
        handler.go.set()
        await applying
    assert await stage.letters() == []
    assert await stage.rows("SELECT * FROM parked_keys") == []


async def test_who_parks_a_gap_takes_the_locks_in_the_order_of_all_others(stage: Stage) -> None:
    """Else a rebuild, which takes the key and then its inbox row, and this one wait for each other."""
    thing, applier = new_id(), Handler().applier(stage)
    await applier.apply([arrival(stage.fact(thing, 1))])
    async with stage.raw() as other:
        rebuilding = other.transaction()
        await rebuilding.start()
        await DeadLetters(COPIES, {}).open_key(other, THINGS.name, str(thing))
        async with begun(stage, applier.apply([arrival(stage.fact(thing, 3))])):
            assert await other.fetchval("SELECT sequence FROM inbox FOR UPDATE NOWAIT") == 1
            await rebuilding.rollback()
    assert [letter.sequence for letter in await stage.letters()] == [3]


async def test_a_rebuild_takes_the_key_before_its_inbox_row(stage: Stage) -> None:
    """Else it and a retry, which has the key and wants the inbox row, wait for each other."""
    thing, handler, reader = new_id(), Handler(), Reader()
    handler.failing["2"] = NotYet("better weather")
    await handler.applier(stage).apply([arrival(stage.fact(thing, number)) for number in (1, 2)])
    state = {"thing_id": str(thing), "organisation_id": str(stage.org_id), "name": "2"}
    item = AggregateCaptured(
        snapshot_id=new_id(), topic=THINGS.name, key=str(thing), sequence=2, organisation_id=stage.org_id, state=state
    )
    applying = Applying(reader.consumer, stage.system, SampleTransaction)
    async with stage.raw() as other:
        retrying = other.transaction()
        await retrying.start()
        assert await DeadLetters(COPIES, {}).lock(other, THINGS.name, str(thing))
        async with begun(stage, applying.take(Mode.REBUILD, [item], new_id())):
            assert await other.fetchval("SELECT sequence FROM inbox FOR UPDATE NOWAIT") == 1
            await retrying.rollback()
    assert await stage.letters() == []


async def test_a_row_of_nothing_that_an_event_makes_known_meanwhile_stays(stage: Stage) -> None:
    thing, ghost, reader = new_id(), new_id(), Reader()
    for row in (thing, ghost):
        await stage.execute("INSERT INTO copies VALUES (:id, :org, 'ghost')", id=row, org=stage.org_id)
    applying = Applying(reader.consumer, stage.system, SampleTransaction)
    strangers = await applying.strangers(THINGS.name)
    assert set(strangers) == {str(thing), str(ghost)}
    applier = Applier(Dispatch(reader.consumer, stage.runner), asyncio.Event())
    await applier.apply([arrival(stage.fact(thing, 1))])
    for stranger in strangers:
        await applying.remove(THINGS.name, stranger)
    assert await stage.copies() == {thing: "1"}
    assert [row.sequence for row in await stage.rows("SELECT sequence FROM inbox")] == [1]


def between(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Awaitable[object]]) -> None:
    """Lets something happen once, after a try has failed and before that is noted."""
    postpone, left = retrier._Head._postpone, [happens]

    async def late(head: Any, letter: DeadLetter, error: Exception) -> None:
        if left:
            await left.pop()()
        await postpone(head, letter, error)

    monkeypatch.setattr(retrier._Head, "_postpone", late)


async def test_the_missing_event_that_comes_while_a_gap_is_given_up_is_applied_by_itself(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing, handler = new_id(), Handler()
    one, two = (arrival(stage.fact(thing, number)) for number in (1, 2))
    applier, retrying = handler.applier(stage), handler.retrier(stage)
    await applier.apply([two])
    await stage.give_up()
    between(monkeypatch, lambda: applier.apply([one]))
    await retrying._round()
    await eventually(lambda: drained(stage, retrying))
    assert await stage.effects(COPIES, thing) == ["1", "2"]


@pytest.mark.parametrize("answer", [NotYet("better weather"), ValueError("a bug")])
async def test_a_redrive_while_the_last_try_fails_is_a_try_of_its_own(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, answer: Outcome | Exception
) -> None:
    thing, handler = new_id(), Handler()
    handler.failing["1"] = answer
    retrying = handler.retrier(stage)
    await handler.applier(stage).apply([arrival(stage.fact(thing, 1))])
    await stage.give_up()
    await stage.execute("UPDATE dead_letters SET attempts = 3")

    async def mended_and_redriven() -> None:
        handler.failing.clear()
        async with stage.raw() as operator:
            assert isinstance(await redrive(operator, Choice(key=str(thing))), Ok)

    between(monkeypatch, mended_and_redriven)
    await retrying._round()
    await eventually(lambda: drained(stage, retrying))
    assert await stage.effects(COPIES, thing) == ["1"]


async def drained(stage: Stage, retrying: Retrier[SampleTransaction]) -> bool:
    await retrying._round()
    return await stage.letters() == []
