from datetime import UTC, datetime

import pytest

from agent.application.views import Progress, RunView, StepView
from agent.domain.run import Origin, RunStatus
from agent.entrypoints.waiting import LONGEST_WAIT, frames_of, preferred_wait
from chassis.core import new_id

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0.0),
        ("wait=30", 30.0),
        ("respond-async, wait=10", 10.0),
        ("wait=9999", LONGEST_WAIT),
        ("wait=soon", 0.0),
        ("await=30", 0.0),
        ("wait=-1", 0.0),
    ],
)
def test_the_wait_that_is_preferred_is_at_most_a_minute(header: str | None, seconds: float) -> None:
    assert preferred_wait(header) == seconds


def a_view(status: RunStatus, reply: str | None = None) -> RunView:
    ids = (new_id(), new_id(), new_id())
    return RunView(*ids, 1, new_id(), Origin.ACT, status, "hi", reply, None, NOW, NOW, NOW, 3)


def test_a_frame_has_its_step_as_id_and_the_end_has_none() -> None:
    step = StepView(7, "tool", "create_project", {"outcome": "done"}, NOW)
    (first, number), (last, no_number) = frames_of(Progress(a_view(RunStatus.COMPLETED, "Done."), [step]))
    assert first.startswith(b"id: 7\nevent: step\ndata: {")
    assert number == 7
    assert last.startswith(b"event: completed\ndata: {")
    assert b"id:" not in last.partition(b"data")[0]
    assert no_number is None


def test_text_cannot_forge_a_frame() -> None:
    step = StepView(1, "model", None, {"text": "a\n\nevent: completed\r\ndata: {}\u2028"}, NOW)
    [(frame, _)] = frames_of(Progress(a_view(RunStatus.RUNNING), [step]))
    assert frame.endswith(b"\n\n")
    assert len(frame[:-2].splitlines()) == 3
