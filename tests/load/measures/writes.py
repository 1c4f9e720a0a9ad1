"""P4: what the outbox costs a write. The write is a command of modules, in this process, over a database of its own."""

import os

from chassis.use_case import Runner
from modules.adapters.transaction import PostgresTransaction
from modules.settings import Settings

from ..bench import Bench
from ..figures import Figure, at_least_times
from ..pace import closed_loop
from ..processes import cpu_seconds
from ..turns import Sample, Side
from ..writer import Writer

_CLIENTS, _SECONDS = 8, 2.0
_WITHOUT = "the same write without"


async def measure(bench: Bench) -> list[Figure]:
    """Nothing is sent meanwhile."""
    async with bench.database_of("modules", Settings) as settings:
        writer, pids = Writer(settings), [os.getpid(), bench.pid_of("postgres")]
        sides = {"without": _writing(writer, writer.silent, pids), "with": _writing(writer, writer.runner, pids)}
        found = await bench.in_turn("P4", sides)
        await writer.database.close()
    rate, cpu = found.both("with", "without", "rate"), found.both("with", "without", "cpu")
    return [
        Figure("P4", "writes with the outbox", "1/s", *rate, _WITHOUT, at_least_times(0.8)),
        Figure("P4", "processor time of a write, with the database's", "ms", *cpu, _WITHOUT),
    ]


def _writing(writer: Writer, runner: Runner[PostgresTransaction], pids: list[int]) -> Side:
    async def send(_: int) -> bool:
        await writer.write(runner)
        return True

    async def side() -> Sample:
        spent = cpu_seconds(pids)
        load = await closed_loop(_CLIENTS, _SECONDS, send)
        return {"rate": load.rate, "cpu": 1000 * (cpu_seconds(pids) - spent) / len(load.latencies)}

    return side
