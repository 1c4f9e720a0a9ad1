"""A worker ends the run that it holds."""

from dataclasses import dataclass

from agent.application.ports import Transaction
from agent.domain.journal import Lease
from chassis.core import Clock, Err, Ok, Result
from chassis.crash_points import crash_point


@dataclass(frozen=True)
class EndRun:
    """With a reply it is completed; else it has failed, for `reason`, a sentence that people may read."""

    lease: Lease
    reply: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class EndRunHandler:
    """Raises LeaseLost, and then nothing has happened: the run was cancelled, or another worker has it."""

    clock: Clock

    async def __call__(self, tx: Transaction, command: EndRun) -> Result[None]:
        run = await tx.runs.held(command.lease)
        now = self.clock.now()
        ended = run.fail(command.reason, now) if command.reply is None else run.complete(command.reply, now)
        if isinstance(ended, Err):
            return ended
        await tx.runs.save(run)
        crash_point("run.ending")
        return Ok(None)
