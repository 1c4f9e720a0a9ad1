"""P11: what a run of an agent takes beyond its model's own time. The model is a stand-in that takes a fixed time."""

from datetime import datetime
from typing import Any

from chassis.testing.waiting import eventually

from ..bench import MODEL_S, Bench
from ..client import Client, request
from ..figures import Figure, at_most
from ..turns import Sample, Side

_RUNS = 5
_ALLOWED_PER_STEP_MS = 1.5
_TOOL_RUN = "create a project called Summer Tour"


async def measure(bench: Bench) -> list[Figure]:
    """From the run's queueing to its end as the agent notes both; answers of the model come whole, so that there is no
    first token to wait for."""
    async with Client(bench.stack.url) as client:
        sides = {
            "answer": _runs(bench, client, "hello", steps=2, answers=1),
            "tool": _runs(bench, client, _TOOL_RUN, steps=4, answers=2),
        }
        found = await bench.in_turn("P11", sides)
    goal = at_most(20)
    return [
        Figure(
            "P11", "a run of one answer, less its model and 1.5 ms a step", "ms", found.of("answer", "ms"), goal=goal
        ),
        Figure("P11", "a run with one tool call, less the same", "ms", found.of("tool", "ms"), goal=goal),
    ]


def _runs(bench: Bench, client: Client, message: str, *, steps: int, answers: int) -> Side:
    expected = 1000 * MODEL_S * answers + _ALLOWED_PER_STEP_MS * steps

    async def side() -> Sample:
        taken = [await _run(bench, client, message) for _ in range(_RUNS)]
        return {"ms": sorted(taken)[_RUNS // 2] - expected}

    return side


async def _run(bench: Bench, client: Client, message: str) -> float:
    """Milliseconds from queued to ended."""
    acted = await client.ask(request("POST", "/api/v1/agent/act", bench.token, {"message": message}))
    look = request("GET", f"/api/v1/runs/{acted.json['run_id']}", bench.token)

    async def ended() -> Any:
        run = (await client.ask(look)).json
        return run if run["ended_at"] else None

    run = await eventually(ended)
    if run["status"] != "completed":
        raise RuntimeError(f"the run ended as {run['status']}: {run['reason']}")
    began, ended_at = (datetime.fromisoformat(run[name]) for name in ("queued_at", "ended_at"))
    return 1000 * (ended_at - began).total_seconds()
