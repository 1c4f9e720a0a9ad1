from collections.abc import Callable

import pytest

from agent.domain.errors import RunHasEnded
from agent.domain.events import RunCancelled, RunCompleted, RunFailed, RunQueued, RunStarted
from agent.domain.run import Origin, Question, Run, RunStatus
from chassis.core import Err, Ok, Result, new_id

from ..builders import NOW, a_run, an_agent

ENDS: list[Callable[[Run], Result[None]]] = [
    lambda run: run.complete("Done.", NOW),
    lambda run: run.fail("The model did not answer.", NOW),
    lambda run: run.cancel("Ada stopped it.", NOW),
]


def recorded(run: Run) -> list[type]:
    return [type(one.event) for one in run.take_recorded()]


def test_a_run_is_queued_started_and_completed() -> None:
    run = a_run()
    run.start(NOW)
    assert run.complete("Done.", NOW) == Ok(None)
    assert (run.status, run.reply, run.started_at, run.ended_at) == (RunStatus.COMPLETED, "Done.", NOW, NOW)
    assert recorded(run) == [RunQueued, RunStarted, RunCompleted]


def test_a_run_without_a_chat_asks_for_one_to_be_opened() -> None:
    chat_id = new_id()
    assert a_run().open_chat
    assert not a_run(chat_id=chat_id).open_chat
    assert a_run(chat_id=chat_id).chat_id == chat_id


def test_a_run_taken_over_by_another_worker_starts_once() -> None:
    run = a_run()
    run.start(NOW)
    run.start(NOW)
    assert recorded(run) == [RunQueued, RunStarted]


@pytest.mark.parametrize("first", ENDS)
@pytest.mark.parametrize("second", ENDS)
def test_a_run_ends_once(first: Callable[[Run], Result[None]], second: Callable[[Run], Result[None]]) -> None:
    run = a_run()
    assert first(run) == Ok(None)
    ended = (run.status, run.reply, run.reason, run.sequence)
    assert second(run) == Err(RunHasEnded(run.status.value))
    assert (run.status, run.reply, run.reason, run.sequence) == ended


def test_a_run_can_end_before_it_has_started() -> None:
    run = a_run()
    run.cancel("Ada stopped it.", NOW)
    assert recorded(run) == [RunQueued, RunCancelled]


def test_a_failed_run_says_why() -> None:
    run = a_run()
    run.fail("The model did not answer.", NOW)
    assert (run.reason, run.reply) == ("The model did not answer.", None)
    assert recorded(run) == [RunQueued, RunFailed]


def test_a_run_pins_the_version_of_its_agent_and_acts_for_its_user() -> None:
    agent, user_id = an_agent(), new_id()
    run = a_run(agent=agent, user_id=user_id)
    agent.version = 2
    assert run.agent_version == 1
    assert str(run.actor) == f"user:{user_id};agent:{agent.id}@1;run:{run.id}"


def test_a_run_for_a_message_knows_its_number() -> None:
    by_message = Question(new_id(), "hello", new_id(), message_number=3)
    assert Run.queue(an_agent(), by_message, chat_id=new_id(), now=NOW).origin is Origin.MESSAGE
    assert a_run().origin is Origin.ACT
