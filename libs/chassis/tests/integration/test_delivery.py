"""Delivered at least once, applied once, in order per aggregate."""

import asyncio
from datetime import UTC, datetime, timedelta
from unittest.mock import AsyncMock
from uuid import UUID

import pytest
from sqlalchemy import event

from chassis.core import Err, Failure, Ok, Outcome, new_id
from chassis.kafka.consumer import Consumer, on
from chassis.kafka.offsets import Offsets
from chassis.testing.waiting import running

from ..sample.events import ORDERS, REPLIES, THINGS, OrderPlaced, OrderRefused, ThingMade, ThingRenamed
from ..sample.service import NameIsTaboo, SampleTransaction
from ..sample.stage import Stage, noting
from ..sample.topics import Message

COPIES = "sample.copies"


async def test_a_command_becomes_a_row_behind_the_broker(stage: Stage) -> None:
    async with running(stage.relay(), *stage.consuming(noting())):
        thing = await stage.make("lamp")
        await stage.rename(thing, "torch")
        await stage.until_effects(COPIES, ["lamp", "torch"], thing)


async def test_an_event_delivered_three_times_is_applied_once(stage: Stage) -> None:
    thing = new_id()
    first = stage.fact(thing, 1)
    async with running(*stage.consuming(noting())):
        for _ in range(3):
            await stage.topics.send(first)
            await stage.until_read(COPIES)
        await stage.topics.send(stage.fact(thing, 2))
        await stage.until_effects(COPIES, ["1", "2"], thing)


async def test_an_event_that_is_doubled_inside_a_batch_is_applied_once(stage: Stage) -> None:
    thing = new_id()
    one, two, three = (stage.fact(thing, number) for number in (1, 2, 3))
    await stage.topics.send(one, two, two, one, three, one, two)
    async with running(*stage.consuming(noting())):
        await stage.until_effects(COPIES, ["1", "2", "3"], thing)
        await stage.until_read(COPIES)
        assert await stage.effects(COPIES) == ["1", "2", "3"]
        assert await stage.letters() == []


async def test_a_consumer_whose_offsets_were_lost_applies_nothing_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    things = [new_id() for _ in range(3)]
    await stage.topics.send(*(stage.fact(thing, number) for number in (1, 2) for thing in things))
    with monkeypatch.context() as patch:
        patch.setattr(Offsets, "commit", AsyncMock())
        async with running(*stage.consuming(noting())):
            for thing in things:
                await stage.until_effects(COPIES, ["1", "2"], thing)
    assert await stage.topics.lag(COPIES, THINGS.name) == 6
    async with running(*stage.consuming(noting())):
        await stage.topics.send(stage.fact(things[0], 3))
        await stage.until_read(COPIES)
    assert await stage.effects(COPIES, things[0]) == ["1", "2", "3"]
    assert len(await stage.effects(COPIES)) == 7


async def test_what_comes_again_costs_no_transaction_for_each_event(stage: Stage) -> None:
    things = [new_id() for _ in range(60)]
    facts = [stage.fact(thing, number) for number in (1, 2) for thing in things]
    made = [an_order(stage, new_id(), str(number)) for number in range(60)]
    begun: list[object] = []
    async with running(*stage.consuming(noting(), orders())):
        await stage.topics.send(*facts, *made)
        await stage.until_read(COPIES)
        await stage.until_read("sample.orders", ORDERS.name)
        event.listen(stage.database.engine.sync_engine, "begin", begun.append)
        await stage.topics.send(*facts, *made, stage.fact(things[0], 3))
        await stage.until_effects(COPIES, ["1", "2", "3"], things[0])
        await stage.until_read(COPIES)
        await stage.until_read("sample.orders", ORDERS.name)
    assert len(await stage.effects(COPIES)) == 121
    assert len(await stage.effects("sample.orders")) == 60
    assert len(begun) < 60
    assert await stage.rows("SELECT 1 FROM attempts") == []


async def test_a_record_delivered_three_times_is_applied_once(stage: Stage) -> None:
    order = an_order(stage, new_id(), "paint it")
    async with running(*stage.consuming(orders())):
        await stage.topics.send(order, order)
        await stage.until_read("sample.orders", ORDERS.name)
        await stage.topics.send(order)
        await stage.until_read("sample.orders", ORDERS.name)
    assert await stage.effects("sample.orders") == ["paint it"]


async def test_a_refused_record_leaves_its_refusal_once_and_nothing_else(stage: Stage) -> None:
    order = an_order(stage, new_id(), "refuse it")
    await stage.topics.send(order, an_order(stage, new_id(), "paint it"), order)
    async with running(stage.relay(), *stage.consuming(orders())):
        await stage.until_effects("sample.orders", ["paint it"])
        await stage.until_read("sample.orders", ORDERS.name)
        await stage.until_sent()
    replies = await stage.topics.read(REPLIES.name)
    assert [OrderRefused.model_validate_json(reply.value).slug for reply in replies] == ["name-is-taboo"]
    assert dict(replies[0].headers)["ce_causationid"].decode() == order.id


async def test_a_refused_event_counts_as_applied_and_its_key_goes_on(stage: Stage) -> None:
    async def refuse(tx: SampleTransaction, event: ThingMade) -> Outcome:
        await tx.note(COPIES, event.thing_id, "undone by the refusal")
        return Err(NameIsTaboo())

    thing = new_id()
    await stage.topics.send(stage.fact(thing, 1), stage.fact(thing, 2))
    async with running(*stage.consuming(Consumer(COPIES, [on(ThingMade, refuse), *noting().subscriptions[1:]]))):
        await stage.until_effects(COPIES, ["2"], thing)
    assert await stage.letters() == []


async def test_what_a_handler_publishes_leaves_with_its_effect(stage: Stage) -> None:
    async def order_paint(tx: SampleTransaction, event: ThingMade) -> Outcome:
        placed = OrderPlaced(thing_id=event.thing_id, wish="paint it", deadline=datetime.now(UTC))
        tx.work.publish_record(placed, key=str(event.thing_id), org_id=tx.context.org_id)
        await tx.note(COPIES, event.thing_id, event.name)
        return Ok(None)

    things = [new_id() for _ in range(5)]
    facts = [stage.fact(thing, 1) for thing in things]
    await stage.topics.send(*facts)
    async with running(stage.relay(), *stage.consuming(Consumer(COPIES, [on(ThingMade, order_paint)]))):
        await stage.until_effects(COPIES, ["1"] * 5)
        await stage.until_sent()
    orders_sent = await stage.topics.read(ORDERS.name)
    assert sorted(record.key.decode() for record in orders_sent) == sorted(map(str, things))
    assert {dict(record.headers)["ce_causationid"].decode() for record in orders_sent} == {fact.id for fact in facts}


async def test_two_consumers_of_one_topic_each_see_all_of_it(stage: Stage) -> None:
    things = [new_id() for _ in range(4)]
    async with running(*stage.consuming(noting("sample.copies"), noting("sample.audit"))):
        await stage.topics.send(*(stage.fact(thing, number) for number in (1, 2, 3) for thing in things))
        for thing in things:
            await stage.until_effects("sample.copies", ["1", "2", "3"], thing)
            await stage.until_effects("sample.audit", ["1", "2", "3"], thing)


async def test_a_new_consumer_reads_from_the_beginning(stage: Stage) -> None:
    thing = new_id()
    await stage.topics.send(stage.fact(thing, 1))
    async with running(*stage.consuming(noting())):
        await stage.until_effects(COPIES, ["1"], thing)


async def test_an_unknown_kind_is_passed_over_and_the_inbox_moves(stage: Stage) -> None:
    thing = new_id()
    strange = stage.fact(thing, 2)
    strange = strange.with_header("ce_type", b"testing.thing-sold").with_header(
        "ce_dataschema", b"urn:stoa:schema:testing.thing-sold:1"
    )
    await stage.topics.send(stage.fact(thing, 1), strange, stage.fact(thing, 3))
    async with running(*stage.consuming(noting())):
        await stage.until_effects(COPIES, ["1", "3"], thing)
    assert await stage.letters() == []


async def test_a_known_kind_that_the_consumer_does_not_name_is_passed_over(stage: Stage) -> None:
    thing = new_id()
    await stage.topics.send(*(stage.fact(thing, number) for number in (1, 2, 3)))
    async with running(*stage.consuming(Consumer(COPIES, noting().subscriptions[:1]))):
        await stage.until_read(COPIES)
    assert await stage.effects(COPIES, thing) == ["1"]
    assert [row.sequence for row in await stage.rows("SELECT sequence FROM inbox")] == [3]


async def test_a_consumer_that_is_cancelled_finishes_its_batch_and_commits_its_offsets(stage: Stage) -> None:
    begun = asyncio.Event()

    async def slowly(tx: SampleTransaction, event: ThingMade | ThingRenamed) -> Outcome:
        begun.set()
        await asyncio.sleep(0.3)
        await tx.note(COPIES, event.thing_id, event.name)
        return Ok(None)

    thing = new_id()
    async with running(*stage.consuming(Consumer(COPIES, [on(ThingMade, slowly)]))):
        await stage.topics.send(stage.fact(thing, 1))
        await begun.wait()
    assert await stage.effects(COPIES) == ["1"]
    assert await stage.topics.lag(COPIES, THINGS.name) == 0


def an_order(stage: Stage, thing_id: UUID, wish: str, *, within: timedelta = timedelta(minutes=1)) -> Message:
    placed = OrderPlaced(thing_id=thing_id, wish=wish, deadline=datetime.now(UTC) + within)
    return Message.of(placed, key=str(thing_id), org_id=stage.org_id)


def orders() -> Consumer[SampleTransaction]:
    """Notes each order but those that it is to refuse, which it answers."""

    async def do(tx: SampleTransaction, order: OrderPlaced) -> Outcome:
        await tx.note("sample.orders", order.thing_id, order.wish)
        return Err(NameIsTaboo()) if order.wish == "refuse it" else Ok(None)

    async def answer(tx: SampleTransaction, order: OrderPlaced, failure: Failure) -> None:
        refused = OrderRefused(thing_id=order.thing_id, slug=failure.slug)
        tx.work.publish_record(refused, key=str(order.thing_id), org_id=tx.context.org_id)

    return Consumer("sample.orders", [on(OrderPlaced, do, refuse=answer, deadline=lambda order: order.deadline)])
