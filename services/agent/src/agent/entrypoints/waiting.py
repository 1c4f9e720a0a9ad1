"""Waiting for a run: until it has ended, or step by step as a stream of server-sent events."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from agent.application.ports import Transaction
from agent.application.signals import Signals
from agent.application.use_cases import UseCases
from agent.application.views import GetRun, ListSteps, Progress, RunView
from agent.domain.run import ENDED
from agent.entrypoints.schemas import ActedBody, RunBody, StepBody
from chassis.core import Err, Ok, Result
from chassis.database import is_passing
from chassis.http.answers import Rendered, ok
from chassis.http.door import Door
from chassis.http.problems import problem
from chassis.http.revocations import Revocations
from chassis.paging import Page
from chassis.use_case import Runner

ACCEPTED = 202
LONGEST_WAIT = 60.0
STEPS_AT_ONCE = 200
_LOOK = 0.5
_HEARTBEAT = 10.0
_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])")

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def preferred_wait(prefer: str | None) -> float:
    """The seconds in `Prefer: wait=30` (RFC 7240, section 4.3), 0 without; at most a minute."""
    match = _WAIT.search(prefer or "")
    return min(float(match[1]), LONGEST_WAIT) if match is not None else 0.0


class Waiting:
    """Looks after runs for callers who wait. A look is a transaction of its own; nothing is held between two."""

    def __init__(
        self, runner: Runner[Transaction], use_cases: UseCases, signals: Signals, revocations: Revocations
    ) -> None:
        self._runner = runner
        self._use_cases = use_cases
        self._signals = signals
        self._revocations = revocations
        self._closing = False

    def close(self) -> None:
        """Ends all streams and waits: the process is told to stop, and clients resume at another."""
        self._closing = True

    async def instead(
        self, answer: Response, door: Door[Transaction], prefer: str | None, accept: str | None
    ) -> Response:
        """What the caller would rather have than the answer 202: the run's stream, or the run when it has ended.

        The answer itself where it is another one, nothing else is asked for, or the run takes longer.
        """
        if answer.status_code != ACCEPTED:
            return answer
        run_id = ActedBody.model_validate_json(bytes(answer.body)).run_id
        if "text/event-stream" in (accept or "").lower():
            return _at(answer, await self.stream(door, run_id, after=0))
        seconds = preferred_wait(prefer)
        run = await self._end_of(door, run_id, within=seconds)
        if run is None:
            return answer
        shown = Rendered.of(ok(RunBody.of(run), etag=run.revision)).response()
        shown.headers["Preference-Applied"] = f"wait={seconds:.0f}"
        return _at(answer, shown)

    async def stream(self, door: Door[Transaction], run_id: UUID, *, after: int) -> Response:
        """The steps behind number `after`, those that come, and the run when it has ended."""
        first = await self._look(door, run_id, after)
        if isinstance(first, Err):
            return problem(first.failure, door.request.scope)
        frames = self._frames(door, run_id, after, first.value)
        return StreamingResponse(frames, media_type="text/event-stream", headers=HEADERS)

    async def _end_of(self, door: Door[Transaction], run_id: UUID, *, within: float) -> RunView | None:
        clock = asyncio.get_running_loop()
        until = clock.time() + within
        with self._signals.looks(run_id, longest=_LOOK) as looks:
            while clock.time() < until and self._may_listen(door):
                found = await self._runner.run(door.context, self._use_cases.get_run, GetRun(run_id))
                if isinstance(found, Err):
                    return None
                if found.value.status in ENDED:
                    return found.value
                await looks.next()
        return None

    async def _look(self, door: Door[Transaction], run_id: UUID, after: int) -> Result[Progress]:
        query = ListSteps(run_id, Page(STEPS_AT_ONCE, (after,)))
        return await self._runner.run(door.context, self._use_cases.follow_run, query)

    async def _frames(self, door: Door[Transaction], run_id: UUID, after: int, first: Progress) -> AsyncIterator[bytes]:
        """Ends with the run, with the caller's right to see it, or when the database is away: clients resume."""
        clock = asyncio.get_running_loop()
        found: Result[Progress] = Ok(first)
        spoken = clock.time()
        yield b"retry: 1000\n\n"
        with self._signals.looks(run_id, longest=_LOOK) as looks:
            while isinstance(found, Ok) and self._may_listen(door):
                for frame, number in frames_of(found.value):
                    yield frame
                    after, spoken = number or after, clock.time()
                if found.value.run.status in ENDED and len(found.value.steps) < STEPS_AT_ONCE:
                    return
                if clock.time() - spoken > _HEARTBEAT:
                    yield b": still here\n\n"
                    spoken = clock.time()
                await looks.next()
                try:
                    found = await self._look(door, run_id, after)
                except Exception as error:
                    if is_passing(error):
                        return
                    raise

    def _may_listen(self, door: Door[Transaction]) -> bool:
        caller = door.caller
        return not self._closing and caller.expires_at > datetime.now(UTC) and not self._revocations.revoked(caller)


def _at(answer: Response, instead: Response) -> Response:
    """Says where the run is, and whether it was asked for before, as the answer 202 did."""
    for name in ("Location", "Idempotency-Replayed"):
        if name in answer.headers:
            instead.headers[name] = answer.headers[name]
    return instead


def frames_of(progress: Progress) -> Iterator[tuple[bytes, int | None]]:
    """Each step as a frame with its number as id; the end, which has none, so that a client that resumes gets it again.

    Data is JSON on one line: no newline of a text can forge a frame.
    """
    for step in progress.steps:
        data = StepBody.of(step).model_dump_json()
        yield f"id: {step.number}\nevent: step\ndata: {data}\n\n".encode(), step.number
    run = progress.run
    if run.status in ENDED and len(progress.steps) < STEPS_AT_ONCE:
        yield f"event: {run.status}\ndata: {RunBody.of(run).model_dump_json()}\n\n".encode(), None
