"""Rows that nothing reads before the commit: written together, and yet each event answers for its own."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from chassis.core import Ok, Result, new_id
from chassis.testing.waiting import running
from chassis.use_case import Work

from ..sample.copies import PUT, copying
from ..sample.stage import Stage


async def test_the_last_of_a_batch_stays(stage: Stage) -> None:
    one, other = new_id(), new_id()
    facts = [stage.fact(thing, number) for number in range(1, 7) for thing in (one, other)]
    async with running(*stage.consuming(copying())):
        await stage.topics.send(*facts)
        await stage.until_copies({one: "6", other: "6"})
    assert await stage.letters() == []


async def test_one_call_holds_no_more_than_asyncpg_sends_without_waiting(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []
    real = asyncpg.Connection.executemany

    async def noted(connection: Any, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        calls.append([name for *_, name in rows])
        await real(connection, statement, rows)

    monkeypatch.setattr(asyncpg.Connection, "executemany", noted)
    names = ["small"] * 120 + ["m" * 10_000] * 5 + ["l" * 200_000] * 2 + ["small"]

    async def body(work: Work) -> Result[None]:
        for name in names:
            work.put(PUT, new_id(), stage.org_id, name)
        return Ok(None)

    await stage.runner.transact(stage.context(), body)
    assert [len(call) for call in calls] == [50, 50, 22, 2, 1, 1, 1, 1]
    assert [name for call in calls for name in call] == names
    assert len(await stage.copies()) == len(names)


async def test_rows_keep_their_order_across_statements(stage: Stage) -> None:
    thing, gone = new_id(), new_id()

    async def body(work: Work) -> Result[None]:
        for id_ in (thing, gone):
            work.put(PUT, id_, stage.org_id, "first")
        for id_ in (thing, gone):
            work.put("DELETE FROM copies WHERE id = $1", id_)
        work.put(PUT, thing, stage.org_id, "second")
        return Ok(None)

    await stage.runner.transact(stage.context(), body)
    assert await stage.copies() == {thing: "second"}


async def test_a_row_that_the_database_refuses_parks_its_own_event_alone(stage: Stage) -> None:
    good, bad = new_id(), new_id()
    refused = stage.fact(bad, 1, "no text in PostgreSQL holds a \0")
    async with running(*stage.consuming(copying())):
        await stage.topics.send(stage.fact(good, 1), refused, stage.fact(good, 2))
        await stage.until_copies({good: "2"})
        (letter,) = await stage.until_parked(1)
    assert letter.error.startswith("CharacterNotInRepertoireError")
    assert letter.key == str(bad)
