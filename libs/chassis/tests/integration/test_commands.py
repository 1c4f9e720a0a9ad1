"""One command, one transaction."""

import pytest

from chassis.core import Err, Ok, Result, new_id
from chassis.outbox.failures import MAX_VALUE_BYTES, TooLarge

from ..sample.service import Make, NameIsTaboo, SampleTransaction, Thing, make, rename
from ..sample.stage import Stage


async def counts(stage: Stage) -> tuple[int, int]:
    """How many things there are, and how many rows in the outbox."""
    found = await stage.rows("SELECT (SELECT count(*) FROM things) AS things, (SELECT count(*) FROM outbox) AS rows")
    return found[0].things, found[0].rows


async def test_state_and_event_are_stored_together(stage: Stage) -> None:
    thing = await stage.make("lamp")
    await stage.rename(thing, "torch")
    rows = await stage.rows("SELECT topic, key, sequence, sent_at FROM outbox ORDER BY id")
    assert [tuple(row) for row in rows] == [("testing-things", str(thing), n, None) for n in (1, 2)]
    assert await counts(stage) == (1, 2)


async def test_a_refused_command_leaves_neither_state_nor_event(stage: Stage) -> None:
    assert await stage.run(make, "taboo") == Err(NameIsTaboo())
    assert await counts(stage) == (0, 0)
    assert not stage.outbox.waiting.is_set()


async def test_a_command_that_raises_leaves_neither_state_nor_event(stage: Stage) -> None:
    async def make_and_fail(tx: SampleTransaction, command: Make) -> Result[Thing]:
        await make(tx, command)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await stage.run(make_and_fail, "lamp")
    assert await counts(stage) == (0, 0)


async def test_an_outbox_that_fails_takes_the_state_with_it(stage: Stage) -> None:
    thing = await stage.make("lamp")
    await stage.execute("UPDATE things SET sequence = 0")  # the next event takes a sequence that the outbox has already
    with pytest.raises(Exception, match="outbox_topic_key_sequence_key"):
        await stage.run(rename, "torch", thing)
    assert [row.name for row in await stage.rows("SELECT name FROM things")] == ["lamp"]


async def test_an_event_over_the_limit_refuses_the_command(stage: Stage) -> None:
    answer = await stage.run(make, "x" * MAX_VALUE_BYTES)
    assert isinstance(answer, Err)
    assert isinstance(answer.failure, TooLarge)
    assert str(MAX_VALUE_BYTES) in answer.failure.detail
    assert await counts(stage) == (0, 0)


async def test_events_of_one_command_take_one_sequence_each(stage: Stage) -> None:
    async def make_and_rename(tx: SampleTransaction, command: Make) -> Result[Thing]:
        await make(tx, command)
        return await rename(tx, command)

    assert isinstance(await stage.run(make_and_rename, "lamp"), Ok)
    assert [row.sequence for row in await stage.rows("SELECT sequence FROM outbox ORDER BY id")] == [1, 2]


async def test_the_envelope_tells_who_acted_for_whom_and_why(stage: Stage) -> None:
    context = stage.context()
    await stage.runner.run(context, make, Make(new_id(), "lamp"))
    headers = dict((await stage.rows("SELECT headers FROM outbox"))[0].headers)
    assert headers["ce_actor"] == str(context.actor)
    assert headers["ce_orgid"] == str(stage.org_id)
    assert headers["ce_correlationid"] == str(context.correlation_id)
    assert (headers["ce_type"], headers["ce_sequence"], headers["ce_source"]) == (
        "testing.thing-made",
        "1",
        "/stoa/testing",
    )
