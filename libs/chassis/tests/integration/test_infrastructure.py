"""Trouble of the infrastructure is waited for in place, and never counted as a failure of an event."""

import pytest
from sqlalchemy import text

from chassis.component import Component
from chassis.core import Ok, Outcome, new_id
from chassis.database import Database
from chassis.health import Status
from chassis.kafka import dispatch
from chassis.kafka.consumer import Consumer, on
from chassis.kafka.messaging import consuming
from chassis.testing.waiting import eventually, running
from chassis.use_case import Runner

from ..sample.events import ThingMade, ThingRenamed
from ..sample.service import SampleTransaction
from ..sample.stage import Stage, noting

COPIES = "sample.copies"
CUT = text("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize("numbers", [[1], [1, 3], [2, 1]], ids=["in a batch", "one by one", "when tried again"])
async def test_an_event_whose_connection_is_cut_is_applied_when_it_comes_back(stage: Stage, numbers: list[int]) -> None:
    cuts, failures = {"1": 2, "2": 2}, []

    async def cut(tx: SampleTransaction, event: ThingMade | ThingRenamed) -> Outcome:
        failures.extend([letter.attempts for letter in await stage.letters()])
        if cuts[event.name]:
            cuts[event.name] -= 1
            await tx.work.connection.execute(CUT)
        await tx.note(COPIES, event.thing_id, event.name)
        return Ok(None)

    thing = new_id()
    await stage.topics.send(*(stage.fact(thing, number) for number in numbers))
    async with running(*stage.consuming(Consumer(COPIES, [on(ThingMade, cut), on(ThingRenamed, cut)]))):
        await stage.until_effects(COPIES, [name for name in ("1", "2") if int(name) in numbers], thing)
    assert cuts["1"] == 0
    assert not any(failures)
    parked = (await stage.rows("SELECT count(*) FILTER (WHERE is_called) AS n FROM dead_letters_id_seq"))[0].n
    assert parked == len(numbers) - 1  # the gap alone


async def test_a_consumer_without_connections_says_so_and_goes_on_when_there_are_some(stage: Stage) -> None:
    small = Database(stage.database.dsn, application="sample", pool_size=1, pool_timeout_s=0.2)
    runner = Runner(small, stage.outbox, SampleTransaction)
    parts = consuming("sample", stage.system_dsn, stage.kafka, runner, [noting()])
    async with running(*parts):
        await eventually(lambda: reads(parts[1].health().status))
        async with small.system_transaction():
            await stage.topics.send(stage.fact(new_id(), 1))
            await eventually(lambda: degraded(parts[1].health().status))
        await stage.until_effects(COPIES, ["1"])
        assert parts[1].health().status is Status.HEALTHY
    assert await stage.letters() == []
    await small.close()


async def test_a_lock_that_is_held_for_too_long_is_waited_for(stage: Stage) -> None:
    thing, tries = new_id(), 0

    async def wait_for_lock(tx: SampleTransaction, event: ThingMade) -> Outcome:
        nonlocal tries
        tries += 1
        await tx.work.connection.execute(text("SET LOCAL lock_timeout = '100ms'"))
        await tx.work.connection.execute(text("LOCK TABLE things IN SHARE MODE"))
        await tx.note(COPIES, event.thing_id, event.name)
        return Ok(None)

    async with running(*stage.consuming(Consumer(COPIES, [on(ThingMade, wait_for_lock)]))):
        async with stage.system.system_transaction() as holder:
            await holder.execute(text("LOCK TABLE things IN ROW EXCLUSIVE MODE"))
            await stage.topics.send(stage.fact(thing, 1))
            await eventually(lambda: at_least(tries, 3))
        await stage.until_effects(COPIES, ["1"], thing)
    assert await stage.letters() == []


async def test_a_handler_that_hangs_is_stopped_and_parked_while_others_go_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "HANDLER_LIMIT_S", 0.2)

    async def hang(tx: SampleTransaction, event: ThingMade) -> Outcome:
        if event.name == "hangs":
            await tx.work.connection.execute(text("SELECT pg_sleep(60)"))
        await tx.note(COPIES, event.thing_id, event.name)
        return Ok(None)

    thing = new_id()
    async with running(*stage.consuming(Consumer(COPIES, [on(ThingMade, hang)]))):
        await stage.topics.send(stage.fact(thing, 1, "hangs"), stage.fact(new_id(), 1, "goes on"))
        await stage.until_effects(COPIES, ["goes on"])
        assert "HandlerHangs" in (await stage.until_parked(1))[0].error


async def test_a_handler_whose_own_statement_takes_too_long_is_at_fault(stage: Stage) -> None:
    async def slow(tx: SampleTransaction, event: ThingMade) -> Outcome:
        await tx.work.connection.execute(text("SET LOCAL statement_timeout = '100ms'"))
        await tx.work.connection.execute(text("SELECT pg_sleep(60)"))
        return Ok(None)

    async with running(*stage.consuming(Consumer(COPIES, [on(ThingMade, slow)]))):
        await stage.topics.send(stage.fact(new_id(), 1))
        letter = (await stage.until_parked(1))[0]
        assert "statement timeout" in letter.error


async def test_a_process_that_loses_its_slot_takes_another_and_reads_on(stage: Stage) -> None:
    slot, consumer, *rest = stage.consuming(noting())
    other = stage.consuming(noting())[0]
    async with running(slot, consumer, *rest):
        await eventually(lambda: reads(consumer.health().status))
        await stage.execute("""
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'sample.slot' AND datname = current_database()
            """)
        async with running(other):  # quicker than the next look at the lock
            await eventually(lambda: says(other, "slot 0"))
            await eventually(lambda: says(slot, "slot 1"))
            await stage.topics.send(stage.fact(new_id(), 1))
            await stage.until_effects(COPIES, ["1"])


async def says(component: Component, line: str) -> bool:
    return component.health().line == line


async def test_two_processes_hold_two_slots(stage: Stage) -> None:
    first, second = stage.consuming(noting())[0], stage.consuming(noting())[0]
    async with running(first, second):
        await eventually(lambda: reads(first.health().status))
        await eventually(lambda: reads(second.health().status))
        assert {first.health().line, second.health().line} == {"slot 0", "slot 1"}


async def reads(status: Status) -> bool:
    return status is Status.HEALTHY


async def degraded(status: Status) -> bool:
    return status is Status.DEGRADED


async def at_least(number: int, least: int) -> bool:
    return number >= least
