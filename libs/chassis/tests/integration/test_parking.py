"""Parking: what cannot be applied now waits, in order per key, while other keys flow."""

from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from chassis.core import Failure, NotYet, Ok, Outcome, new_id
from chassis.kafka.consumer import Consumer, on
from chassis.testing.waiting import eventually, running

from ..sample.events import REPLIES, OrderPlaced, OrderRefused, ThingMade, ThingRenamed
from ..sample.service import SampleTransaction
from ..sample.stage import Stage, noting
from ..sample.topics import Message

COPIES = "sample.copies"


class Handler:
    """Notes each event, but answers what `answers` says for its name, or raises it."""

    def __init__(self) -> None:
        self.answers: dict[str, Outcome | Exception] = {}
        self.calls: list[str] = []

    async def __call__(self, tx: SampleTransaction, event: ThingMade | ThingRenamed) -> Outcome:
        self.calls.append(event.name)
        await tx.note(COPIES, event.thing_id, event.name)
        answer = self.answers.get(event.name, Ok(None))
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def consumer(self) -> Consumer[SampleTransaction]:
        return Consumer(COPIES, [on(ThingMade, self), on(ThingRenamed, self)])


async def test_a_gap_waits_and_is_applied_in_order_when_the_missing_event_comes(stage: Stage) -> None:
    thing, other = new_id(), new_id()
    one, two, three, four = (stage.fact(thing, number) for number in (1, 2, 3, 4))
    async with running(*stage.consuming(noting())):
        await stage.topics.send(one, three, four, stage.fact(other, 1))
        await stage.until_effects(COPIES, ["1"], other)
        assert [letter.sequence for letter in await stage.until_parked(2)] == [3, 4]
        assert await stage.effects(COPIES, thing) == ["1"]
        await stage.topics.send(two)
        await stage.until_effects(COPIES, ["1", "2", "3", "4"], thing)
    assert await stage.letters() == []
    assert await stage.rows("SELECT * FROM parked_keys") == []


async def test_events_that_come_in_reverse_are_applied_in_order(stage: Stage) -> None:
    thing = new_id()
    async with running(*stage.consuming(noting())):
        for number in (4, 3, 2):
            await stage.topics.send(stage.fact(thing, number))
            await stage.until_parked(5 - number)
        await stage.topics.send(stage.fact(thing, 1))
        await stage.until_effects(COPIES, ["1", "2", "3", "4"], thing)
    assert await stage.letters() == []


async def test_the_first_sight_of_a_key_must_be_sequence_one(stage: Stage) -> None:
    thing = new_id()
    async with running(*stage.consuming(noting())):
        await stage.topics.send(stage.fact(thing, 2))
        await stage.until_parked(1)
        await stage.hurry()
        await stage.topics.send(stage.fact(thing, 1))
        await stage.until_effects(COPIES, ["1", "2"], thing)


async def test_an_event_that_came_too_early_is_applied_when_the_missing_thing_is_there(stage: Stage) -> None:
    handler, thing, other = Handler(), new_id(), new_id()
    handler.answers["1"] = NotYet("the organisation")
    async with running(*stage.consuming(handler.consumer)):
        await stage.topics.send(stage.fact(thing, 1), stage.fact(thing, 2), stage.fact(other, 1, "flows"))
        await stage.until_effects(COPIES, ["flows"], other)
        letters = await stage.until_parked(2)
        assert letters[0].error == "waits for the organisation"
        await eventually(lambda: seen(handler, "1", 3))
        assert await stage.effects(COPIES, thing) == []
        del handler.answers["1"]
        await stage.until_effects(COPIES, ["1", "2"], thing)


async def test_after_its_span_an_event_stays_for_a_person(stage: Stage) -> None:
    handler, thing = Handler(), new_id()
    handler.answers["1"] = NotYet("the organisation")
    async with running(*stage.consuming(handler.consumer)):
        await stage.topics.send(stage.fact(thing, 1), stage.fact(thing, 2))
        await stage.until_parked(2)
        await stage.give_up()
        await eventually(lambda: rests(stage))
        assert [letter.sequence for letter in await stage.letters()] == [1, 2]


async def test_after_its_span_a_gap_stays_for_a_person_and_still_closes_by_itself(stage: Stage) -> None:
    thing = new_id()
    async with running(*stage.consuming(noting())):
        await stage.topics.send(stage.fact(thing, 2), stage.fact(thing, 3))
        await stage.until_parked(2)
        await stage.give_up()
        await eventually(lambda: rests(stage))
        await stage.topics.send(stage.fact(thing, 1))
        await stage.until_effects(COPIES, ["1", "2", "3"], thing)


async def test_a_handler_that_raises_is_tried_again_three_times_and_then_stays(stage: Stage) -> None:
    handler, thing, other = Handler(), new_id(), new_id()
    handler.answers["1"] = ValueError("a bug")
    async with running(*stage.consuming(handler.consumer)):
        await stage.topics.send(stage.fact(thing, 1), stage.fact(thing, 2), stage.fact(other, 1, "flows"))
        await stage.until_effects(COPIES, ["flows"], other)
        for failures in (2, 3, 4):
            await eventually(partial(failed, stage, failures))
            await stage.hurry()
        await eventually(lambda: rests(stage))
        assert handler.calls.count("1") == 5  # once more in the batch that was rolled back
        letter = (await stage.letters())[0]
        assert (letter.attempts, letter.error, letter.retry_at) == (4, "ValueError: a bug", None)
        assert await stage.effects(COPIES, thing) == []


async def test_a_handler_that_recovers_lets_its_key_follow_in_order(stage: Stage) -> None:
    handler, thing = Handler(), new_id()
    handler.answers["2"] = ValueError("a bug")
    async with running(*stage.consuming(handler.consumer)):
        await stage.topics.send(*(stage.fact(thing, number) for number in (1, 2, 3, 4)))
        await stage.until_parked(3)
        del handler.answers["2"]
        await stage.until_effects(COPIES, ["1", "2", "3", "4"], thing)
    assert await stage.letters() == []


async def test_waiting_for_something_does_not_use_up_the_tries_after_an_exception(stage: Stage) -> None:
    handler, thing = Handler(), new_id()
    handler.answers["1"] = NotYet("the organisation")
    async with running(*stage.consuming(handler.consumer)):
        await stage.topics.send(stage.fact(thing, 1))
        await eventually(lambda: seen(handler, "1", 5))
        handler.answers["1"] = ValueError("a bug")
        await eventually(lambda: failed(stage, 1))
        assert (await stage.letters())[0].retry_at is not None


async def test_a_parked_event_that_comes_again_is_parked_once(stage: Stage) -> None:
    handler, thing = Handler(), new_id()
    handler.answers["1"] = NotYet("the organisation")
    fact = stage.fact(thing, 1)
    async with running(*stage.consuming(handler.consumer)):
        for _ in range(3):
            await stage.topics.send(fact, stage.fact(thing, 2))
            await stage.until_read(COPIES)
        assert [letter.sequence for letter in await stage.letters()] == [1, 2]
        del handler.answers["1"]
        await stage.until_effects(COPIES, ["1", "2"], thing)


async def test_events_of_a_parked_key_that_were_applied_are_dropped_not_parked(stage: Stage) -> None:
    handler, thing = Handler(), new_id()
    handler.answers["2"] = NotYet("the organisation")
    async with running(*stage.consuming(handler.consumer)):
        await stage.topics.send(stage.fact(thing, 1), stage.fact(thing, 2))
        await stage.until_parked(1)
        await stage.topics.send(stage.fact(thing, 1))
        await stage.until_read(COPIES)
        assert [letter.sequence for letter in await stage.letters()] == [2]
        assert await stage.effects(COPIES, thing) == ["1"]


async def test_a_command_that_waited_for_too_long_is_refused_once(stage: Stage) -> None:
    orders = Orders(NotYet("the member"))
    async with running(stage.relay(), *stage.consuming(orders.consumer)):
        await stage.topics.send(orders.placed(stage, within=timedelta(minutes=5)))
        await stage.until_parked(1, orders.name)
        await stage.give_up()
        await stage.until_parked(0, orders.name)
        await stage.until_sent()
    assert [OrderRefused.model_validate_json(reply.value).slug for reply in await stage.topics.read(REPLIES.name)] == [
        "too-late"
    ]
    assert await stage.effects(orders.name) == []


async def test_a_command_is_refused_at_its_deadline_wherever_it_stands_in_its_key(stage: Stage) -> None:
    orders, thing = Orders(ValueError("a bug")), new_id()
    async with running(stage.relay(), *stage.consuming(orders.consumer)):
        poison = Message("testing-orders", str(thing).encode(), b"poison", [])
        await stage.topics.send(poison, orders.placed(stage, within=timedelta(seconds=1), thing_id=thing))
        await stage.until_parked(2, orders.name)
        letters = await stage.until_parked(1, orders.name)
        assert letters[0].value == b"poison"
        await stage.until_sent()
    assert len(await stage.topics.read(REPLIES.name)) == 1


async def test_a_refusal_that_fails_is_tried_until_it_succeeds(stage: Stage) -> None:
    orders = Orders(NotYet("the member"))
    orders.refusal_fails = True
    async with running(stage.relay(), *stage.consuming(orders.consumer)):
        await stage.topics.send(orders.placed(stage, within=timedelta(seconds=0.5)))
        await eventually(lambda: failed(stage, 1, orders.name))
        orders.refusal_fails = False
        await stage.execute("UPDATE dead_letters SET deadline = now()")
        await stage.until_parked(0, orders.name)
        await stage.until_sent()
    assert len(await stage.topics.read(REPLIES.name)) == 1


class Orders:
    """A consumer of commands that always answers the same, or raises it."""

    name = "sample.orders"

    def __init__(self, answer: Outcome | Exception) -> None:
        self.answer = answer
        self.refusal_fails = False

    @property
    def consumer(self) -> Consumer[SampleTransaction]:
        return Consumer(
            self.name, [on(OrderPlaced, self.do, refuse=self.refuse, deadline=lambda order: order.deadline)]
        )

    async def do(self, tx: SampleTransaction, order: OrderPlaced) -> Outcome:
        await tx.note(self.name, order.thing_id, order.wish)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def refuse(self, tx: SampleTransaction, order: OrderPlaced, failure: Failure) -> None:
        refused = OrderRefused(thing_id=order.thing_id, slug=failure.slug)
        tx.work.publish_record(refused, key=str(order.thing_id), org_id=tx.context.org_id)
        if self.refusal_fails:
            raise ValueError("a bug")

    @staticmethod
    def placed(stage: Stage, *, within: timedelta, thing_id: UUID | None = None) -> Message:
        thing_id = thing_id or new_id()
        order = OrderPlaced(thing_id=thing_id, wish="paint it", deadline=datetime.now(UTC) + within)
        return Message.of(order, key=str(thing_id), org_id=stage.org_id)


async def seen(handler: Handler, name: str, times: int) -> bool:
    return handler.calls.count(name) >= times


async def failed(stage: Stage, times: int, consumer: str = COPIES) -> bool:
    letters = await stage.letters(consumer)
    return bool(letters) and letters[0].attempts == times


async def rests(stage: Stage) -> bool:
    """Whether nothing is tried again by itself."""
    return all(letter.retry_at is None for letter in await stage.letters())


async def test_an_event_that_waits_for_a_person_is_not_tried_because_it_comes_again(stage: Stage) -> None:
    handler, event = Handler(), stage.fact(new_id(), 1)
    handler.answers["1"] = RuntimeError("no")

    async def rests() -> bool:
        return [(letter.attempts, letter.retry_at) for letter in await stage.letters()] == [(4, None)]

    async with running(*stage.consuming(handler.consumer)):
        await stage.topics.send(event)
        await stage.until_parked(1)
        await stage.execute("UPDATE dead_letters SET attempts = 3, retry_at = now()")
        await eventually(rests)
        tried = len(handler.calls)
        await stage.topics.send(event)
        await stage.until_read(COPIES)
        assert await rests()
        assert len(handler.calls) == tried
