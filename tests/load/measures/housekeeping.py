"""Housekeeping beside writes: old rows go in small batches, and no write stands still for them."""

import asyncpg

from chassis.database import Database
from chassis.housekeeping import SENT, Housekeeping
from chassis.testing.waiting import eventually, running

from ..bench import Bench
from ..client import Client, request
from ..figures import Figure, at_most
from ..pace import open_loop
from ..turns import Sample

_RATE, _SECONDS, _OLD = 50.0, 3.0, 20_000
_STALLED_MS = 50.0
_FILL = """
INSERT INTO outbox (topic, key, sequence, headers, value, created_at, sent_at)
SELECT 'modules-modules', 'gone-' || n, 1, '[]', repeat('x', 600)::bytea, now() - interval '4 days',
    now() - interval '4 days'
FROM generate_series(1, $1::int) AS n
"""
_LEFT = "SELECT EXISTS (SELECT FROM outbox WHERE sent_at < now() - interval '73 hours')"


async def measure(bench: Bench) -> list[Figure]:
    """The same writes while nothing is deleted, and while all these rows are."""
    body = {"kind": "document", "data": {"title": "Stage plan"}}
    post = request("POST", "/api/v1/modules", bench.token, body)
    system = Database(bench.stack.settings_of("modules")["STOA_DATABASE_SYSTEM_DSN"], application="bench", pool_size=1)
    raw = await asyncpg.connect(bench.admin_dsn("modules"))
    async with Client(bench.stack.urls["modules"]) as client:

        async def writes() -> Sample:
            load = await open_loop(_RATE, _SECONDS, lambda _: client.succeeds(post))
            if load.failed:
                raise RuntimeError(f"{load.failed} writes failed")
            return {"p50": load.ms(0.5), "p99": load.ms(0.99)}

        async def all_gone() -> bool:
            return not await raw.fetchval(_LEFT)

        async def beside() -> Sample:
            await raw.execute(_FILL, _OLD)
            async with running(Housekeeping(system, [SENT])):
                sample = await writes()
                await eventually(all_gone, within=60)
            return sample

        found = await bench.in_turn("housekeeping", {"alone": writes, "beside": beside})
    await raw.close()
    await system.close()
    what, against = f"a write while {_OLD:,} old rows go", "the same, nothing to delete"
    return [
        Figure("P19", f"{what}, p50", "ms", *found.both("beside", "alone", "p50"), against),
        Figure("P19", f"{what}, p99", "ms", *found.both("beside", "alone", "p99"), against, at_most(_STALLED_MS)),
    ]
