"""A worker that has claimed a run begins it, or goes on with it."""

from dataclasses import dataclass

from agent.application.loop import Task
from agent.application.ports import Transaction
from agent.domain.errors import AgentNotFound
from agent.domain.journal import Lease
from agent.domain.run import Run
from chassis.core import Clock, Err, Ok, Result
from contracts.permissions import Permission, allows

NO_LONGER_ALLOWED = "The person who asked may no longer let agents act in this organisation."


@dataclass(frozen=True)
class BeginRun:
    lease: Lease


@dataclass(frozen=True)
class BeginRunHandler:
    """What there is to do; None when the run was cancelled here, because its user has lost the right to it.

    Refused: AgentNotFound. Raises LeaseLost.
    """

    clock: Clock

    async def __call__(self, tx: Transaction, command: BeginRun) -> Result[Task | None]:
        run = await tx.runs.held(command.lease)
        agent = await tx.agents.get(run.agent_id)
        if agent is None:
            return Err(AgentNotFound(run.agent_id))
        if not await self._may_act(tx, run):
            run.cancel(NO_LONGER_ALLOWED, self.clock.now())
            await tx.runs.save(run)
            return Ok(None)
        run.start(self.clock.now())
        await tx.runs.save(run)
        return Ok(Task(run.text, agent.instructions, agent.model, agent.step_limit))

    async def _may_act(self, tx: Transaction, run: Run) -> bool:
        """By what is known now: a member whose membership has not been heard of yet was let in by a valid token."""
        try:
            role = await tx.members.role(run.user_id)
        except LookupError:
            return True
        return role is not None and allows(role, Permission.RUNS_WRITE)
