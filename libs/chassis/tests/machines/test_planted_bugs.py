"""The machine is of use only if it finds what is wrong: each of these bugs is planted, and has to be found."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chassis import dead_letters, inbox
from chassis.dead_letters import DeadLetters
from chassis.inbox import Inbox
from chassis.kafka import retrier as retrying
from chassis.kafka.applier import Applier
from chassis.kafka.dispatch import Dispatch
from chassis.operations import dead_letters as operations

from ..sample.stage import Stage
from .machine import Machine, Violation

SEEDS = range(1, 9)
Plant = Callable[[pytest.MonkeyPatch], None]

_ANYWHERE = "UPDATE inbox SET sequence = $4 WHERE consumer = $1 AND topic = $2 AND key = $3"


def always(answer: object) -> Callable[..., Awaitable[object]]:
    """In place of what would look, or do something."""

    async def told(*_: Any) -> object:
        return answer

    return told


def the_inbox_does_not_check_the_sequence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(inbox, "_ADVANCE_ONE", _ANYWHERE)


def a_key_may_begin_anywhere(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(inbox, "_ADVANCE_MANY", inbox._ADVANCE_MANY.replace("WHERE first = 1", ""))


def parking_moves_the_inbox(patch: pytest.MonkeyPatch) -> None:
    add = DeadLetters.add

    async def moving(letters: DeadLetters, connection: Any, arrival: Any, *rest: Any, **more: Any) -> bool:
        if arrival.sequence is not None:
            key = (arrival.topic, arrival.key)
            await Inbox(letters.consumer).advance(connection, *key, arrival.sequence)
        return await add(letters, connection, arrival, *rest, **more)

    patch.setattr(DeadLetters, "add", moving)


def parking_does_not_look_whether_it_was_applied(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Applier, "_is_seen", always(False))


def a_parked_key_holds_nothing_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(DeadLetters, "lock", always(False))
    patch.setattr(DeadLetters, "any_parked", always(False))


def the_dead_letters_of_a_key_are_tried_in_any_order(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(dead_letters, "_HEAD", dead_letters._HEAD.replace("ORDER BY sequence NULLS LAST, id", "ORDER BY id"))
    a_redrive_ignores_the_sequence(patch)


def a_redrive_ignores_the_sequence(patch: pytest.MonkeyPatch) -> None:
    async def anyhow(head: Any, raw: Any, letter: Any) -> bool:
        arrival, consumer = letter.arrival, head.dispatch.consumer.name
        if arrival.sequence is not None:
            await raw.execute(_ANYWHERE, consumer, arrival.topic, arrival.key, arrival.sequence)
        return True

    patch.setattr(retrying._Head, "_advance", anyhow)


def a_redrive_does_not_move_the_inbox(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(retrying._Head, "_advance", always(True))


def a_discard_does_not_move_the_inbox(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(operations, "_pass_over", always(None))


def what_is_settled_wakes_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(DeadLetters, "wake_head", always(None))


def a_failed_try_leaves_its_rows(patch: pytest.MonkeyPatch) -> None:
    async def kept(dispatch: Any, connection: Any, arrival: Any, effects: Any) -> Any:
        outcome = await dispatch.handle(connection, arrival, effects)
        await effects.write(connection, dispatch.runner.outbox)
        return outcome

    patch.setattr(Dispatch, "apply", kept)


def an_old_snapshot_sets_the_inbox_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(inbox, "_REACH", inbox._REACH.replace("greatest(i.sequence, excluded.sequence)", "excluded.sequence"))


def a_snapshot_takes_dead_letters_that_it_does_not_contain(patch: pytest.MonkeyPatch) -> None:
    any_ = dead_letters._REMOVE_UNTIL.replace("d.sequence <= until.sequence", "until.sequence > 0")
    patch.setattr(dead_letters, "_REMOVE_UNTIL", any_)


def a_snapshot_leaves_dead_letters_that_it_contains(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(dead_letters, "_REMOVE_UNTIL", dead_letters._REMOVE_UNTIL + " AND false")


BUGS: list[Plant] = [
    the_inbox_does_not_check_the_sequence,
    a_key_may_begin_anywhere,
    parking_moves_the_inbox,
    parking_does_not_look_whether_it_was_applied,
    a_parked_key_holds_nothing_up,
    the_dead_letters_of_a_key_are_tried_in_any_order,
    a_redrive_ignores_the_sequence,
    a_redrive_does_not_move_the_inbox,
    a_discard_does_not_move_the_inbox,
    what_is_settled_wakes_nobody,
    a_failed_try_leaves_its_rows,
    an_old_snapshot_sets_the_inbox_back,
    a_snapshot_takes_dead_letters_that_it_does_not_contain,
    a_snapshot_leaves_dead_letters_that_it_contains,
]


@pytest.mark.parametrize("plant", BUGS)
async def test_a_planted_bug_is_found(stage: Stage, plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises(Violation):
        await some_runs(stage)


async def some_runs(stage: Stage) -> None:
    """One after the other, each with keys of its own."""
    for seed in SEEDS:
        await Machine(stage, seed).run()
        await stage.execute("DELETE FROM copies")
