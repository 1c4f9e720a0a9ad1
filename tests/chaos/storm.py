"""A second process of a service comes, takes over while the first stands still, and dies."""

import asyncio
from contextlib import ExitStack
from random import Random

import asyncpg

from ..replica import second
from ..stack import Stack
from .history import Json
from .models import Models

# Kept by PostgreSQL itself, in the transaction that writes a step: under which lease, and which one was the run's.
_WATCH = """
CREATE TABLE IF NOT EXISTS lease_watch (run_id uuid, number integer, written bigint, held bigint);
GRANT SELECT ON lease_watch TO PUBLIC;
CREATE OR REPLACE FUNCTION watch_lease() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO public.lease_watch
    SELECT new.run_id, new.number, new.epoch, (SELECT epoch FROM public.run_leases WHERE run_id = new.run_id);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER watch_lease AFTER INSERT ON run_steps FOR EACH ROW EXECUTE FUNCTION watch_lease();
"""


async def watch_leases(stack: Stack) -> None:
    """From now on the agent's database notes, for each step of a run, whether its writer held the run's lease."""
    connection = await asyncpg.connect(stack.plan.addresses.postgres_admin_dsn, database="agent", timeout=5)
    try:
        await connection.execute(_WATCH)
    finally:
        await connection.close()


async def storm(stack: Stack, target: str, random: Random, models: Models) -> Json:
    """Partitions, slots, the relay's lock and leases go to the second process, which is there when the first one wakes
    and thinks that all is still its own; then they go back. Models answer late, so that the first one has runs under
    way when it stops, and the second one is still at them when it wakes. Raises NotInTime."""
    seconds, together = random.uniform(7, 12), random.uniform(1, 5)
    with ExitStack() as ending:
        ending.enter_context(models.slow())
        await asyncio.to_thread(ending.enter_context, second(stack, target))
        with stack.frozen(target):
            await asyncio.sleep(seconds)
        await asyncio.sleep(together)
    return {"seconds": seconds, "together": together}
