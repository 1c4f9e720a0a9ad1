"""P17: what the processes take when nothing happens, and how long one needs to be ready."""

import time

from ...replica import second
from ..bench import Bench
from ..figures import Figure, at_most
from ..processes import proportional_set_mb


async def measure(bench: Bench) -> list[Figure]:
    """Memory is the sum over all our processes, what they share counted once; PostgreSQL and Kafka are not in it."""
    await bench.until_idle()
    pids = [bench.pid_of(process) for process in bench.stack.urls]
    taken = proportional_set_mb(pids)
    starts = dict[str, list[float]]()
    for number in range(bench.repeats):
        for process in bench.stack.urls:
            began = time.perf_counter()
            with second(bench.stack, process):
                starts.setdefault(process, []).append(time.perf_counter() - began)
        bench.say(f"P17: repeat {number + 1} of {bench.repeats}")
    return [
        Figure("P17", "memory of all processes, idle", "MiB", [taken], goal=at_most(600)),
        *(Figure("P17", f"start of {name} until ready", "s", taken, goal=at_most(3)) for name, taken in starts.items()),
    ]
