"""Several processes of one consumer: partitions move between them, effects stay single."""

from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.core import new_id
from chassis.kafka.offsets import Offsets
from chassis.testing.waiting import eventually, running

from ..sample.events import THINGS
from ..sample.stage import Stage, noting

COPIES = "sample.copies"


async def test_partitions_move_between_processes_and_each_event_has_one_effect(stage: Stage) -> None:
    things = [new_id() for _ in range(30)]
    async with running(*stage.consuming(noting())):
        await stage.topics.send(*(stage.fact(thing, 1) for thing in things))
        async with running(*stage.consuming(noting())):
            for number in range(2, 8):
                await stage.topics.send(*(stage.fact(thing, number) for thing in things))
            await eventually(lambda: applied(stage, 7 * len(things)), within=30)
        await stage.topics.send(*(stage.fact(thing, 8) for thing in things))
        await eventually(lambda: applied(stage, 8 * len(things)), within=30)
        await stage.until_read(COPIES)
    for thing in things:
        assert await stage.effects(COPIES, thing) == [str(number) for number in range(1, 9)]
    assert await stage.letters() == []


async def test_processes_that_retry_at_once_apply_each_event_once(stage: Stage) -> None:
    things = [new_id() for _ in range(15)]
    async with running(*stage.consuming(noting())):
        await stage.topics.send(*(stage.fact(thing, number) for thing in things for number in (2, 3, 4)))
        await stage.until_parked(45)
        async with running(*(stage.consuming(noting())[-1] for _ in range(3))):
            await stage.topics.send(*(stage.fact(thing, 1) for thing in things))
            for thing in things:
                await stage.until_effects(COPIES, ["1", "2", "3", "4"], thing)
    assert await stage.letters() == []


async def test_a_commit_covers_the_partitions_that_are_assigned_and_no_other(stage: Stage) -> None:
    await stage.topics.send(*(stage.fact(new_id(), 1) for _ in range(20)))
    records = await stage.topics.read(THINGS.name)
    offsets, consumer = Offsets(COPIES), group_member(stage)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(stage.kafka.topic(THINGS.name), 0)])
        offsets.consumer = consumer
        offsets.done(records, offsets.assignment)
        await offsets.commit()
    finally:
        await consumer.stop()
    mine = sum(record.partition == 0 for record in records)
    assert await stage.topics.lag(COPIES, THINGS.name) == len(records) - mine


async def test_what_was_done_under_an_earlier_assignment_is_forgotten(stage: Stage) -> None:
    await stage.topics.send(*(stage.fact(new_id(), 1) for _ in range(20)))
    records = await stage.topics.read(THINGS.name)
    offsets, consumer = Offsets(COPIES), group_member(stage)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(stage.kafka.topic(THINGS.name), number) for number in range(3)])
        offsets.consumer = consumer
        before = offsets.assignment
        offsets.done(records[:5], before)
        await offsets.on_partitions_assigned(set())
        offsets.done(records[5:], before)
        await offsets.commit()
    finally:
        await consumer.stop()
    assert await stage.topics.lag(COPIES, THINGS.name) == len(records)


def group_member(stage: Stage) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        group_id=stage.kafka.namespace + COPIES, enable_auto_commit=False, **stage.kafka.connection_settings
    )


async def applied(stage: Stage, count: int) -> bool:
    found = await stage.effects(COPIES)
    assert len(found) <= count
    return len(found) == count
