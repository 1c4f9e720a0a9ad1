"""Discarding against what goes on at the same time, and of what has no sequence."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from chassis.core import Ok, Outcome, new_id
from chassis.kafka.consumer import Consumer, on
from chassis.testing.waiting import eventually, running

from ..sample.events import ThingMade, ThingRenamed
from ..sample.service import SampleTransaction
from ..sample.stage import Stage
from .test_dead_letters_redrive import COPIES
from .test_dead_letters_routes import PATH, WHY, actions, client, parked
from .test_parking import Handler, Orders


class Slow:
    """Notes an event when it is let go, or fails."""

    def __init__(self, failure: Exception | None) -> None:
        self.begun, self.go = asyncio.Event(), asyncio.Event()
        self._failure = failure

    async def __call__(self, tx: SampleTransaction, event: ThingMade | ThingRenamed) -> Outcome:
        self.begun.set()
        await self.go.wait()
        if self._failure is not None and event.name == "1":
            raise self._failure
        await tx.note(COPIES, event.thing_id, event.name)
        return Ok(None)

    @property
    def consumer(self) -> Consumer[SampleTransaction]:
        return Consumer(COPIES, [on(ThingMade, self), on(ThingRenamed, self)])


async def waits_for_a_lock(stage: Stage) -> bool:
    statement = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(await stage.rows(statement))


@pytest.mark.parametrize(
    ("failure", "status", "effects"), [(None, 404, ["1", "2", "3"]), (ValueError("again"), 200, ["2", "3"])]
)
async def test_a_discard_waits_for_a_try_that_is_under_way_and_sees_what_came_of_it(
    stage: Stage, failure: Exception | None, status: int, effects: list[str]
) -> None:
    thing, slow = new_id(), Slow(failure)
    ids = await parked(stage, Handler(), thing)
    async with client(stage) as operator, running(*stage.consuming(slow.consumer)):
        await operator.post(f"{PATH}/redrive", json={"id": ids[0]})
        await slow.begun.wait()
        discarding = asyncio.create_task(operator.post(f"{PATH}/{ids[0]}/discard", json=WHY))
        await eventually(lambda: waits_for_a_lock(stage))
        slow.go.set()
        assert (await discarding).status_code == status
        await stage.until_effects(COPIES, effects, thing)
        await stage.until_parked(0)
    discards = [action for action in await actions(stage) if action.action == "dead-letters.discard"]
    assert len(discards) == (status == 200)


async def test_a_record_that_is_no_event_stays_discarded_when_it_comes_again(stage: Stage) -> None:
    orders = Orders(Ok(None))
    broken = orders.placed(stage, within=timedelta(minutes=1)).with_value(b"{}")
    async with client(stage) as operator, running(*stage.consuming(orders.consumer)):
        await stage.topics.send(broken)
        [letter] = await stage.until_parked(1, orders.name)
        assert (letter.sequence, letter.deadline) == (None, None)
        assert (await discard(operator, letter.id)).json() == {"id": letter.id, "next_id": None}
        await stage.topics.send(broken, orders.placed(stage, within=timedelta(minutes=1)))
        await eventually(lambda: done(stage, orders))
        assert await stage.letters(orders.name) == []


async def test_events_discarded_one_after_the_other_leave_the_last_one(stage: Stage) -> None:
    thing = new_id()
    ids = await parked(stage, Handler(), thing)
    async with client(stage) as operator:
        assert [(await discard(operator, number)).status_code for number in ids[:2]] == [200, 200]
        async with running(*stage.consuming(Handler().consumer)):
            await stage.until_effects(COPIES, ["3"], thing)


async def discard(operator: httpx.AsyncClient, number: int) -> httpx.Response:
    return await operator.post(f"{PATH}/{number}/discard", json=WHY)


async def done(stage: Stage, orders: Orders) -> bool:
    return len(await stage.effects(orders.name)) == 1
