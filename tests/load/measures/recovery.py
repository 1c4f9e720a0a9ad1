"""P16: how soon work goes on after kill -9 of a process."""

import asyncio

from ...chaos import recovery
from ..bench import Bench
from ..figures import Figure, at_most


async def measure(bench: Bench) -> list[Figure]:
    """Each process dies once in each repeat, at the moment of an order to an agent."""
    found = list[recovery.Recovery]()
    for number in range(bench.repeats):
        for process in bench.stack.urls:
            found.append(await asyncio.to_thread(recovery.once, bench.stack, process))
        bench.say(f"P16: repeat {number + 1} of {bench.repeats}")
    rows = list[Figure]()
    for process in bench.stack.urls:
        mine = [one for one in found if one.killed == process]
        ready = [one.ready for one in mine if one.ready is not None]
        rows.append(Figure("P16", f"{process} killed, until ready", "s", ready, goal=at_most(3)))
        rows.append(
            Figure("P16", f"{process} killed, until the order is answered", "s", _progress(mine), goal=at_most(5))
        )
    return rows


def _progress(mine: list[recovery.Recovery]) -> list[float]:
    return [one.progress for one in mine]
