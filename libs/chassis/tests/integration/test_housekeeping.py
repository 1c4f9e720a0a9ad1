"""What has had its time is deleted, nothing else is, and nobody waits for it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chassis import housekeeping
from chassis.core import Ok, Outcome, new_id
from chassis.housekeeping import ANSWERS, SENT, Housekeeping, Keep, applied
from chassis.kafka.consumer import Consumer, on
from chassis.testing.waiting import eventually, running

from ..sample.events import ORDERS, OrderPlaced, ThingMade
from ..sample.stage import Stage

AGED = "UPDATE outbox SET sent_at = now() - interval '73 hours' WHERE id <= {}"


async def nothing(*_: Any) -> Outcome:
    return Ok(None)


async def ids(stage: Stage) -> list[int]:
    return [row.id for row in await stage.rows("SELECT id FROM outbox ORDER BY id")]


async def outbox_is(stage: Stage, wanted: list[int]) -> bool:
    return await ids(stage) == wanted


async def test_messages_go_three_days_after_they_were_sent_and_unsent_ones_never(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "_BATCH", 2)
    for number in range(8):
        await stage.make(f"thing {number}")
    await stage.execute("UPDATE outbox SET sent_at = now(), created_at = now() - interval '1 year'")
    await stage.execute(AGED.format(6))
    await stage.execute("UPDATE outbox SET sent_at = NULL WHERE id = 3")
    async with running(Housekeeping(stage.system, [SENT])):
        await eventually(lambda: outbox_is(stage, [3, 7, 8]))


async def test_a_message_that_somebody_holds_is_passed_over_and_one_that_is_to_be_sent_again_stays(
    stage: Stage,
) -> None:
    for number in range(3):
        await stage.make(f"thing {number}")
    await stage.execute(AGED.format(3))
    async with stage.raw() as connection, connection.transaction():
        await connection.execute("UPDATE outbox SET sent_at = NULL WHERE id = 2")
        async with running(Housekeeping(stage.system, [SENT])):
            await eventually(lambda: outbox_is(stage, [2]))
    assert await ids(stage) == [2]


async def test_a_row_stays_as_long_as_something_needs_it(stage: Stage) -> None:
    for number in range(4):
        await stage.make(f"thing {number}")
    await stage.execute(AGED.format(4))
    needed = replace(SENT, unless="EXISTS (SELECT FROM things AS t WHERE t.id::text = old.key AND t.name = 'thing 1')")
    async with running(Housekeeping(stage.system, [needed])):
        await eventually(lambda: outbox_is(stage, [2]))


async def test_stored_answers_go_after_a_day(stage: Stage) -> None:
    for hours in (23, 25):
        await stage.execute(f"""
            INSERT INTO idempotency_keys (org_id, user_id, route, key, digest, status, headers, body, created_at)
            VALUES ('{new_id()}', '{new_id()}', 'POST /things', '{hours}', '', 201, '{{}}', '',
                now() - interval '{hours} hours')
        """)
    async with running(Housekeeping(stage.system, [ANSWERS])):
        await eventually(lambda: answers_are(stage, ["23"]))


async def answers_are(stage: Stage, wanted: list[str]) -> bool:
    return [row.key for row in await stage.rows("SELECT key FROM idempotency_keys")] == wanted


def test_applied_records_are_remembered_for_as_long_as_one_can_come_again() -> None:
    reads = Consumer("sample.orders", [on(OrderPlaced, nothing)]), Consumer("sample.copies", [on(ThingMade, nothing)])
    assert applied(reads) == Keep("inbox_records", "applied_at", ORDERS.retention + timedelta(hours=72))
    assert applied(reads[1:]).kept == timedelta(hours=72)
