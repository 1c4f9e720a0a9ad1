"""The details of a run go a good while after it ended, and not before."""

from uuid import UUID

import pytest
from sqlalchemy import text

from agent.adapters.keeping import COMMANDS, STEPS
from chassis.core import new_id
from chassis.database import Database
from chassis.housekeeping import Housekeeping
from chassis.testing.waiting import eventually, running

_LEASE = text("INSERT INTO run_leases (run_id, org_id, chat_id) VALUES (:run, :org, :chat)")
_STEP = text("""
INSERT INTO run_steps (run_id, number, org_id, name, result, finished_at)
VALUES (:run, 1, :org, 'model.request', '{}', now() - make_interval(days => :days))
""")
_COMMAND = text("""
INSERT INTO run_commands (id, run_id, org_id, step, deadline, sent_at)
VALUES (:id, :run, :org, 2, now(), now() - make_interval(days => :days))
""")


async def a_run(system: Database, *, days: int, goes_on: bool = False) -> UUID:
    """One with a step and a command that are so many days old."""
    run = {"run": new_id(), "org": new_id(), "days": days}
    async with system.system_transaction() as connection:
        await connection.execute(_STEP, run)
        await connection.execute(_COMMAND, {**run, "id": new_id()})
        if goes_on:
            await connection.execute(_LEASE, {"run": run["run"], "org": run["org"], "chat": new_id()})
    return UUID(str(run["run"]))


@pytest.mark.parametrize("table", ["run_steps", "run_commands"])
async def test_details_go_ninety_days_after_the_run_unless_it_goes_on(system: Database, table: str) -> None:
    old = await a_run(system, days=91)
    kept = {await a_run(system, days=89), await a_run(system, days=91, goes_on=True)}

    async def runs() -> set[UUID]:
        async with system.system_transaction() as connection:
            return set((await connection.execute(text(f"SELECT run_id FROM {table}"))).scalars())

    async def is_gone() -> bool:
        return old not in await runs()

    async with running(Housekeeping(system, [STEPS, COMMANDS])):
        await eventually(is_gone)
    assert kept <= await runs()
