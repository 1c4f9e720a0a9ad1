"""P10: a step of a run's journal against the commit of one row."""

import time

import asyncpg

from agent.adapters.journals import PostgresJournals
from agent.application.signals import Signals
from agent.domain.journal import JsonValue, Lease, Step
from agent.settings import Settings
from chassis.core import Actor, new_id
from chassis.database import Database

from ..bench import Bench
from ..figures import Figure, at_least, at_most_times
from ..pace import closed_loop
from ..turns import Sample

_STEPS, _RUNS, _SECONDS = 500, 8, 2.0
_RESULT: JsonValue = {"role": "assistant", "content": "x" * 400}
_LEASE = """
INSERT INTO run_leases (run_id, org_id, chat_id, epoch, leased_until) VALUES ($1, $2, $3, 1, now() + interval '1 hour')
"""
_ROW = "INSERT INTO inbox_records (consumer, event_id) VALUES ('bench', $1)"


async def measure(bench: Bench) -> list[Figure]:
    """One after the other for the latency, eight runs at once for the rate."""
    async with bench.database_of("agent", Settings) as settings:
        dsn = settings.database_system_dsn.get_secret_value()
        database = Database(settings.database_dsn.get_secret_value(), application="bench")
        raw = await asyncpg.connect(dsn)
        journals = PostgresJournals(database, Signals())

        async def commits() -> Sample:
            began = time.perf_counter()
            for _ in range(_STEPS):
                await raw.execute(_ROW, new_id())
            return {"ms": 1000 * (time.perf_counter() - began) / _STEPS}

        async def steps() -> Sample:
            lease = await _lease(raw)
            began = time.perf_counter()
            for number in range(1, _STEPS + 1):
                await journals.append(lease, Step(number, "model", _RESULT))
            alone = 1000 * (time.perf_counter() - began) / _STEPS
            return {"ms": alone, "rate": await _together(raw, journals)}

        found = await bench.in_turn("P10", {"bare": commits, "ours": steps})
        await raw.close()
        await database.close()
    step = found.both("ours", "bare", "ms")
    return [
        Figure("P10", "a step of the journal", "ms", *step, "commit of one row, asyncpg", at_most_times(2.5)),
        Figure("P10", "steps of eight runs at once", "1/s", found.of("ours", "rate"), goal=at_least(1000)),
    ]


async def _together(raw: asyncpg.Connection, journals: PostgresJournals) -> float:
    leases = [await _lease(raw) for _ in range(_RUNS)]
    done = dict.fromkeys((lease.run_id for lease in leases), 0)

    async def send(number: int) -> bool:
        lease = leases[number % _RUNS]
        done[lease.run_id] += 1
        await journals.append(lease, Step(done[lease.run_id], "model", _RESULT))
        return True

    return (await closed_loop(_RUNS, _SECONDS, send)).rate


async def _lease(raw: asyncpg.Connection) -> Lease:
    run_id, org_id = new_id(), new_id()
    await raw.execute(_LEASE, run_id, org_id, new_id())
    return Lease(run_id, org_id, 1, Actor.user(new_id()), new_id())
