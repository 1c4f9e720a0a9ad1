"""A run that waits in the queue of real PostgreSQL."""

from agent.adapters.transaction import PostgresTransaction
from agent.domain.run import Run
from chassis.core import Actor, Ok, Result
from chassis.use_case import Context, Runner, Work
from contracts.permissions import Role

from .builders import a_run, an_agent


async def queued(runner: Runner[PostgresTransaction]) -> Run:
    """Of an organisation and an agent of its own."""
    agent = an_agent()
    run = a_run(agent=agent)

    async def body(work: Work) -> Result[None]:
        tx = PostgresTransaction(work)
        await tx.agents.add(agent)
        await tx.runs.add(run)
        return Ok(None)

    await runner.transact(asker(run), body)
    return run


def asker(run: Run) -> Context:
    """Who has asked for it."""
    actor = Actor.user(run.user_id)
    return Context(actor=actor, org_id=run.org_id, role=Role.EDITOR, correlation_id=run.correlation_id)
