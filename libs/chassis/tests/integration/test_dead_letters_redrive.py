"""Dead letters in a person's hands."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from chassis.core import Err, new_id
from chassis.kafka.consumer import Consumer, on
from chassis.operations.audit import connect
from chassis.operations.dead_letters import Choice, Letter, listed, redrive
from chassis.operations.shell import value_of
from chassis.paging import Page
from chassis.testing.waiting import eventually, running
from contracts.audience import to_org
from contracts.event import contract

from ..sample.events import THINGS, ThingMade
from ..sample.stage import Stage
from .test_parking import Handler, Orders, rests

COPIES = "sample.copies"


@pytest.fixture
async def operator(stage: Stage) -> AsyncIterator[Any]:
    connection = await connect(stage.system_dsn)
    yield connection
    await connection.close()


async def found(operator: Any) -> Sequence[Letter]:
    return (await listed(operator, Choice(), Page(100))).items


async def redriven(operator: Any, choice: Choice) -> list[int]:
    return value_of(await redrive(operator, choice))


async def stuck(stage: Stage, handler: Handler, *things: Any) -> None:
    """Three events of each thing are parked for a person, because of the first."""
    handler.answers["1"] = ValueError("a bug")
    await stage.topics.send(*(stage.fact(thing, number) for thing in things for number in (1, 2, 3)))
    await stage.until_parked(3 * len(things))
    await stage.execute("UPDATE dead_letters SET attempts = 3, retry_at = least(retry_at, now())")
    await eventually(lambda: rests(stage))
    del handler.answers["1"]


async def test_a_redrive_applies_the_event_and_what_waited_behind_it_once_and_in_order(
    stage: Stage, operator: Any
) -> None:
    handler, thing = Handler(), new_id()
    async with running(*stage.consuming(handler.consumer)):
        await stuck(stage, handler, thing)
        listed = await found(operator)
        assert [letter.sequence for letter in listed] == [1, 2, 3]
        last = Choice(id=listed[2].id)  # whichever of the key is named, its first one is tried
        assert await redriven(operator, last) == [listed[0].id]
        await redriven(operator, last)
        await stage.until_effects(COPIES, ["1", "2", "3"], thing)
        await stage.until_parked(0)
        assert isinstance(await redrive(operator, last), Err)
    assert await stage.effects(COPIES, thing) == ["1", "2", "3"]


async def test_a_redrive_that_fails_has_all_its_tries_again_and_then_stays(stage: Stage, operator: Any) -> None:
    handler, thing = Handler(), new_id()
    async with running(*stage.consuming(handler.consumer)):
        await stuck(stage, handler, thing)
        handler.answers["1"] = ValueError("still a bug")
        await redriven(operator, Choice(key=str(thing)))
        await eventually(lambda: attempts(stage, 1))
        assert (await stage.letters())[0].retry_at is not None


async def test_a_key_can_be_redriven_alone_or_all_at_once(stage: Stage, operator: Any) -> None:
    handler, first, second, third = Handler(), new_id(), new_id(), new_id()
    async with running(*stage.consuming(handler.consumer)):
        await stuck(stage, handler, first, second, third)
        assert len(await redriven(operator, Choice(consumer=COPIES, key=str(first)))) == 1
        await stage.until_effects(COPIES, ["1", "2", "3"], first)
        assert await stage.effects(COPIES, second) == []
        assert len(await redriven(operator, Choice())) == 2
        await stage.until_effects(COPIES, ["1", "2", "3"], second)
        await stage.until_effects(COPIES, ["1", "2", "3"], third)
    assert await redriven(operator, Choice(consumer="sample.nobody")) == []


async def test_poison_that_a_newer_release_understands_is_applied_by_a_redrive(stage: Stage, operator: Any) -> None:
    handler, thing = Handler(), new_id()
    newer = stage.fact(thing, 1, "newer").with_header("ce_dataschema", b"urn:stoa:schema:testing.thing-made:2")
    async with running(*stage.consuming(handler.consumer)):
        await stage.topics.send(newer, stage.fact(thing, 2))
        await stage.until_parked(2)
        await redriven(operator, Choice())
        await eventually(lambda: rests(stage))
        assert len(await stage.letters()) == 2

    @contract("testing.thing-made", version=2, topic=THINGS, audience=to_org)
    class NewerThingMade(ThingMade):
        """The next version."""

    release = Consumer(COPIES, [*handler.consumer.subscriptions, on(NewerThingMade, handler)])
    async with running(*stage.consuming(release)):
        await redriven(operator, Choice())
        await stage.until_effects(COPIES, ["newer", "2"], thing)
    assert await stage.letters() == []


async def test_a_command_is_never_redriven_by_hand(stage: Stage, operator: Any) -> None:
    orders = Orders(ValueError("a bug"))
    async with running(*stage.consuming(orders.consumer)):
        await stage.topics.send(orders.placed(stage, within=timedelta(minutes=1)))
        await stage.until_parked(1, orders.name)
        assert await redriven(operator, Choice()) == []


async def attempts(stage: Stage, count: int) -> bool:
    return bool((await stage.letters())[0].attempts == count)
