"""The worker: claims runs and drives each to its end, or as far as it gets."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import structlog

from agent.application.begin_run import BeginRun
from agent.application.end_run import EndRun
from agent.application.lease_context import context_of
from agent.application.loop import ModelFailed, Task
from agent.application.ports import Transaction
from agent.application.queue import Claimed, Queue
from agent.application.signals import Signals
from agent.application.use_cases import UseCases
from agent.domain.commands import Suspend
from agent.domain.journal import JournalDiffers, Lease, LeaseLost
from chassis.core import Err
from chassis.crash_points import crash_point
from chassis.database import is_passing
from chassis.health import Health
from chassis.telemetry import span_from
from chassis.use_case import Runner

POLL = 1.0
"""Seconds between two looks into the queue; what is asked for in this process is seen at once."""

HEARTBEAT = 1.0
"""Seconds between two extensions of the leases held; a run that was cancelled elsewhere stops at the next."""

AGENT_GONE = "The agent is not there any more."
CHANGED_MEANWHILE = "The service was changed while this ran, and it cannot be continued."
OUR_FAULT = "Something went wrong on our side."
REPLY_TOO_LONG = "The reply is too long to be sent."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Held:
    lease: Lease
    task: "asyncio.Task[None]"


class Worker:
    """Drives at most `slots` runs at a time, at most half of them for one organisation.

    A run is let go when it waits for a reply, at the end of the process, and by itself when this process dies: then its
    lease runs out. Whoever takes it over goes on from its journal.
    """

    name = "agent.runs"

    def __init__(
        self,
        queue: Queue,
        runner: Runner[Transaction],
        use_cases: UseCases,
        drive_run: Callable[[Lease, Task], Awaitable[str]],
        signals: Signals,
        *,
        slots: int,
    ) -> None:
        self._queue = queue
        self._runner = runner
        self._use_cases = use_cases
        self._drive_run = drive_run
        self._signals = signals
        self._slots = slots
        self._held: dict[UUID, _Held] = {}
        self._trouble: str | None = "not started"

    def health(self) -> Health:
        if self._trouble is not None:
            return Health.degraded(self._trouble)
        return Health.healthy(f"{len(self._held)} of {self._slots} runs under way")

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._take_runs())
                group.create_task(self._keep_leases())
        finally:
            tasks = [held.task for held in self._held.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _take_runs(self) -> None:
        with self._signals.queue(longest=POLL) as looks:
            while True:
                try:
                    await self._fill_slots()
                    self._trouble = None
                except Exception as error:
                    self._away(error)
                await looks.next()

    async def _fill_slots(self) -> None:
        while len(self._held) < self._slots:
            runs = Counter(held.lease.org_id for held in self._held.values())
            full = [org_id for org_id, count in runs.items() if count >= max(1, self._slots // 2)]
            claimed = await self._queue.claim(full=full)
            if claimed is None:
                return
            self._hold(claimed)

    def _hold(self, claimed: Claimed) -> None:
        former = self._held.get(claimed.lease.run_id)
        if former is not None:  # its lease ran out while the database was away
            former.task.cancel()
        held = _Held(claimed.lease, asyncio.create_task(self._carry_out(claimed), name=f"run {claimed.lease.run_id}"))
        self._held[claimed.lease.run_id] = held
        held.task.add_done_callback(partial(self._let_go, held))

    def _let_go(self, held: _Held, _: "asyncio.Task[None]") -> None:
        if self._held.get(held.lease.run_id) is held:
            del self._held[held.lease.run_id]
        self._signals.queued(committed=True)

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            held = list(self._held.values())
            if not held:
                continue
            try:
                ours = await self._queue.extend([one.lease for one in held])
            except Exception as error:
                self._away(error)
                continue
            for one in held:
                if one.lease.run_id not in ours:
                    one.task.cancel()

    def _away(self, error: Exception) -> None:
        if not is_passing(error):
            raise error
        self._trouble = f"the database is away: {type(error).__name__}"
        log.warning("runs.waiting", reason=type(error).__name__)

    async def _carry_out(self, claimed: Claimed) -> None:
        lease = claimed.lease
        crash_point("run.claimed")
        with span_from(claimed.traceparent, "run"):
            try:
                await self._drive(lease)
            except LeaseLost:
                log.info("run.lost", run_id=str(lease.run_id), epoch=lease.epoch)
            except (Suspend, asyncio.CancelledError) as let_go:
                log.info("run.let_go", run_id=str(lease.run_id), reason=type(let_go).__name__)
                await self._queue.release(lease)
            except Exception as error:  # infrastructure: the lease runs out, and somebody tries again
                log.warning("run.broken_off", run_id=str(lease.run_id), reason=type(error).__name__)

    async def _drive(self, lease: Lease) -> None:
        context = context_of(lease)
        begun = await self._runner.run(context, self._use_cases.begin_run, BeginRun(lease))
        if isinstance(begun, Err):
            end = EndRun(lease, reason=AGENT_GONE)
        elif begun.value is None:
            self._signals.came(lease.run_id, committed=True)
            return
        else:
            end = await self._attempt(lease, begun.value)
        ended = await self._runner.run(context, self._use_cases.end_run, end)
        if isinstance(ended, Err):
            await self._runner.run(context, self._use_cases.end_run, EndRun(lease, reason=REPLY_TOO_LONG))
        self._signals.came(lease.run_id, committed=True)
        log.info("run.ended", run_id=str(lease.run_id), completed=end.reply is not None)

    async def _attempt(self, lease: Lease, task: Task) -> EndRun:
        """How the run ends. Raises Suspend, LeaseLost and what the infrastructure raises."""
        try:
            reply = await self._drive_run(lease, task)
            return EndRun(lease, reply=reply.replace("\0", ""))
        except ModelFailed as failed:
            return EndRun(lease, reason=failed.reason)
        except (Suspend, LeaseLost):
            raise
        except Exception as error:
            if is_passing(error):
                raise
            log.exception("run.crashed", run_id=str(lease.run_id))
            reason = CHANGED_MEANWHILE if isinstance(error, JournalDiffers) else OUR_FAULT
            return EndRun(lease, reason=reason)
