"""`make soak`: the system under half of what it can do for a while, and whether it keeps anything of it.

Memory may grow by a limit per minute once everything that is bounded is full; tasks, connections and open files are
to be as many as before once the load has ended.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import uvloop
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from chassis.logging import set_up_logging
from local_stack.paths import REPOSITORY

from ..chaos.checker.recovery import GROWTH
from ..chaos.levels import levels_of
from .bench import Bench, begun
from .client import Client, request
from .feed import counting
from .measures.delivery import a_chat
from .pace import Load, closed_loop, open_loop
from .report import machine

_LOG = REPOSITORY / ".stoa" / "soak.log"
_MB_PER_MINUTE = 1.0
_FILL_S, _PIECE_S, _LOOK_S, _CALM_S = 150.0, 60.0, 10.0, 90.0
_CHATS, _LISTENERS, _VISITORS = 20, 50, 5
_SPARE = {"tasks": 5, **GROWTH}


@dataclass(frozen=True)
class Kept:
    """One process: memory in MiB by minute, and its levels before and after the load."""

    process: str
    memory: list[tuple[float, float]]
    before: Mapping[str, int]
    after: Mapping[str, int]

    @property
    def growth(self) -> float:
        """MiB a minute, by least squares."""
        return statistics.linear_regression(*zip(*self.memory, strict=True)).slope

    @property
    def is_well(self) -> bool:
        return self.growth <= _MB_PER_MINUTE and returned(self.before, self.after)


def returned(before: Mapping[str, int], after: Mapping[str, int]) -> bool:
    """Whether no level stayed up."""
    return all(after[name] - before[name] <= spare for name, spare in _SPARE.items())


class Soak:
    """`rate` requests a second: of ten two write, one of a hundred asks the agent; beside them clients of the feed,
    most of whom stay, while some come and go every second."""

    def __init__(self, bench: Bench, rate: float) -> None:
        self._bench = bench
        self._rate = rate
        self._chats = [a_chat(bench.organisation) for _ in range(_CHATS)]
        self._memory: dict[str, list[tuple[float, float]]] = {process: [] for process in bench.stack.urls}

    async def run(self, minutes: float) -> list[Kept]:
        """Fills what is bounded, then measures."""
        await self._fill()
        before = await self._calm(self._levels())
        began = time.monotonic()
        looking = asyncio.create_task(self._look(began))
        while (left := began + 60 * minutes - time.monotonic()) > 0:
            load = await self._piece(min(left, _PIECE_S))
            told = f"{len(load.latencies)} answered, {load.failed} failed, p95 {load.ms(0.95):.0f} ms"
            self._bench.say(f"soak: {left / 60:.0f} minutes left; {told}")
        looking.cancel()
        after = await self._calm(before)
        return [Kept(name, self._memory[name], before[name], after[name]) for name in self._memory]

    async def _fill(self) -> None:
        """The newest events that the gateway remembers, above all."""
        posts = [request("POST", chat, self._bench.token, {"text": "x" * 400}) for chat in self._chats]
        async with Client(self._bench.stack.url) as client:
            load = await closed_loop(8, _FILL_S, lambda number: client.succeeds(posts[number % _CHATS]))
        self._bench.say(f"soak: filled with {len(load.latencies)} messages")

    async def _piece(self, seconds: float) -> Load:
        """A token serves for one piece."""
        bench = self._bench
        await asyncio.to_thread(bench.organisation.founder.sign_in)
        async with Client(bench.stack.url) as client, counting(bench.stack.url, bench.token, _LISTENERS):
            visiting = asyncio.create_task(self._visit())
            pieces = self._pieces()
            load = await open_loop(self._rate, seconds, lambda number: client.succeeds(pieces[number % len(pieces)]))
            visiting.cancel()
        return load

    def _pieces(self) -> list[bytes]:
        token, document = self._bench.token, {"kind": "document", "data": {"title": "Stage plan"}}
        made = list[bytes]()
        for number in range(100):
            chat = self._chats[number % _CHATS]
            match number % 10:
                case 0:
                    made.append(request("POST", chat, token, {"text": "the quick brown fox"}))
                case 1:
                    made.append(request("POST", "/api/v1/modules", token, document))
                case 2 | 3 | 4:
                    made.append(request("GET", "/api/v1/modules?limit=20", token))
                case _:
                    made.append(request("GET", f"{chat}?limit=20", token))
        made[-1] = request("POST", "/api/v1/agent/act", token, {"message": "find the document Stage plan"})
        return made

    async def _visit(self) -> None:
        while True:
            async with counting(self._bench.stack.url, self._bench.token, _VISITORS):
                await asyncio.sleep(1)

    async def _look(self, began: float) -> None:
        while True:
            for name, samples in self._memory.items():
                used = psutil.Process(self._bench.pid_of(name)).memory_full_info().uss / 2**20
                samples.append(((time.monotonic() - began) / 60, used))
            await asyncio.sleep(_LOOK_S)

    async def _calm(self, before: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
        """The levels once nobody asks for anything: as soon as they are those from before, or after a while."""
        began = time.monotonic()
        while True:
            await asyncio.sleep(1)
            found = self._levels()
            if time.monotonic() - began > _CALM_S or all(found[name] == before[name] for name in found):
                return found

    def _levels(self) -> dict[str, dict[str, int]]:
        return {name: self._levels_of(name) for name in self._memory}

    def _levels_of(self, name: str) -> dict[str, int]:
        port = self._bench.stack.settings_of(name)["STOA_METRICS_PORT"]
        metrics = text_string_to_metric_families(httpx.get(f"http://127.0.0.1:{port}/metrics").text)
        [tasks] = [sample.value for family in metrics for sample in family.samples if sample.name == "stoa_tasks"]
        return {"tasks": int(tasks), **levels_of(self._bench.pid_of(name))}


def table(found: list[Kept]) -> Table:
    """A row for each process; levels as before → after."""
    made = Table()
    for name in ("process", "MiB at first", "MiB in the end", "MiB a minute", *_SPARE, "well"):
        made.add_column(name, justify="left" if name == "process" else "right")
    for one in found:
        levels = [f"{one.before[name]} → {one.after[name]}" for name in _SPARE]
        memory = [f"{one.memory[0][1]:.1f}", f"{one.memory[-1][1]:.1f}", f"{one.growth:.2f}"]
        made.add_row(one.process, *memory, *levels, "yes" if one.is_well else "no")
    return made


async def _soaked(minutes: float, rate: float) -> list[Kept]:
    async with begun() as bench:
        soak = await asyncio.to_thread(Soak, bench, rate)
        return await soak.run(minutes)


def main() -> int:
    """Exit code 1 when a process kept something."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=float, default=60, help="requests per second")
    parser.add_argument("--json", type=Path, default=REPOSITORY / ".stoa" / "soak.json")
    asked = parser.parse_args()
    _LOG.parent.mkdir(exist_ok=True)
    with _LOG.open("w") as log, redirect_stdout(log):
        set_up_logging("bench", lasting=True)
        found = uvloop.run(_soaked(asked.minutes, asked.rate))
    rows = [{**vars(one), "growth": one.growth} for one in found]
    settings = {"minutes": asked.minutes, "rate": asked.rate}
    asked.json.write_text(json.dumps({"machine": machine(), "settings": settings, "processes": rows}, indent=1) + "\n")
    Console(width=140).print(table(found))
    return 0 if all(one.is_well for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
