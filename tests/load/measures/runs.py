"""P11: what a run of an agent takes beyond its model's own time. The model is a stand-in that takes a fixed time."""

import asyncio
from datetime import datetime
from typing import Any

from ..bench import MODEL_S, Bench
from ..client import Client, request
from ..feed import listening
from ..figures import Figure, at_most
from ..turns import Sample, Side

_RUNS = 5
_ALLOWED_PER_STEP_MS = 1.5
_TOOL_RUN = "create a project called Summer Tour"


async def measure(bench: Bench) -> list[Figure]:
    """From the run's queueing to its end as the agent notes both; answers of the model come whole, so that there is no
    first token to wait for."""
    ended = _Ended()
    async with Client(bench.stack.url) as client, listening(bench.stack.url, bench.token, ended.on_event):
        sides = {
            "answer": _runs(bench, client, ended, "hello", steps=2, answers=1),
            "tool": _runs(bench, client, ended, _TOOL_RUN, steps=4, answers=2),
        }
        found = await bench.in_turn("P11", sides)
    goal = at_most(20)
    return [
        Figure(
            "P11", "a run of one answer, less its model and 1.5 ms a step", "ms", found.of("answer", "ms"), goal=goal
        ),
        Figure("P11", "a run with one tool call, less the same", "ms", found.of("tool", "ms"), goal=goal),
    ]


class _Ended:
    """Hears of each run's end on the feed: to ask for it again and again would take the time that is measured."""

    def __init__(self) -> None:
        self._runs = dict[str, asyncio.Event]()

    def on_event(self, _: float, event: dict[str, Any]) -> None:
        if event.get("kind") in ("agent.run-completed", "agent.run-failed", "agent.run-cancelled"):
            self._of(event["data"]["run_id"]).set()

    async def wait(self, run_id: str) -> None:
        async with asyncio.timeout(10):
            await self._of(run_id).wait()

    def _of(self, run_id: str) -> asyncio.Event:
        return self._runs.setdefault(run_id, asyncio.Event())


def _runs(bench: Bench, client: Client, ended: _Ended, message: str, *, steps: int, answers: int) -> Side:
    expected = 1000 * MODEL_S * answers + _ALLOWED_PER_STEP_MS * steps

    async def side() -> Sample:
        taken = [await _run(bench, client, ended, message) for _ in range(_RUNS)]
        return {"ms": sorted(taken)[_RUNS // 2] - expected}

    return side


async def _run(bench: Bench, client: Client, ended: _Ended, message: str) -> float:
    """Milliseconds from queued to ended."""
    acted = await client.ask(request("POST", "/api/v1/agent/act", bench.token, {"message": message}))
    await ended.wait(acted.json["run_id"])
    run = (await client.ask(request("GET", f"/api/v1/runs/{acted.json['run_id']}", bench.token))).json
    if run["status"] != "completed":
        raise RuntimeError(f"the run ended as {run['status']}: {run['reason']}")
    began, ended_at = (datetime.fromisoformat(run[name]) for name in ("queued_at", "ended_at"))
    return 1000 * (ended_at - began).total_seconds()
