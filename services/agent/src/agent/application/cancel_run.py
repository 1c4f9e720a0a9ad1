"""Stops a run: because somebody asks, or because its user has lost the right to it."""

from dataclasses import dataclass
from uuid import UUID

from agent.application.begin_run import NO_LONGER_ALLOWED
from agent.application.ports import Transaction
from agent.application.signals import Signals
from agent.application.views import RunView, may_see
from agent.domain.errors import NotYourRun, RunNotFound
from agent.domain.run import Run
from chassis.core import Clock, Err, Ok, Outcome, Result
from chassis.crash_points import crash_point

BY_ITS_USER = "The person who asked stopped it."
BY_AN_ADMIN = "An admin of the organisation stopped it."
UNDER_WAY = " What it had begun at that moment may still take effect."


@dataclass(frozen=True)
class CancelRun:
    run_id: UUID


@dataclass(frozen=True)
class StopRunsOf:
    """All runs of a user in the organisation of the event."""

    user_id: UUID


@dataclass(frozen=True)
class CancelRunHandler:
    """Refused: RunNotFound, NotYourRun, RunHasEnded. The worker that holds the run finds it gone within a second."""

    clock: Clock
    signals: Signals

    async def __call__(self, tx: Transaction, command: CancelRun) -> Result[RunView]:
        run = await tx.runs.get(command.run_id)
        if run is None:
            return Err(RunNotFound(command.run_id))
        if not may_see(tx.context, run.user_id):
            return Err(NotYourRun())
        reason = BY_ITS_USER if run.user_id == tx.context.user_id else BY_AN_ADMIN
        cancelled = await self._cancel(tx, run, reason)
        return cancelled if isinstance(cancelled, Err) else Ok(RunView.of(run))

    async def stop_runs_of(self, tx: Transaction, command: StopRunsOf) -> Outcome:
        for run in await tx.runs.going_on(command.user_id):
            await self._cancel(tx, run, NO_LONGER_ALLOWED)
        return Ok(None)

    async def _cancel(self, tx: Transaction, run: Run, reason: str) -> Result[None]:
        under_way = UNDER_WAY if await tx.runs.awaits_reply(run.id) else ""
        cancelled = run.cancel(reason + under_way, self.clock.now())
        if isinstance(cancelled, Err):
            return cancelled
        await tx.runs.save(run)
        crash_point("run.cancelling")
        self.signals.came(run.id)
        self.signals.queued()
        return Ok(None)
