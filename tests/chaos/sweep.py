"""The crash sweep: each process dies at each of its crash points, once in each scenario, while clients go on asking.

All processes are swept at the same time, each through its own points in a seeded order: one at a time dies in each, so
that most deaths fall into the recovery of another.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random

import httpx
from aiokafka import AIOKafkaProducer

from contracts.auth.topics import MEMBERSHIPS

from ..poison import POISON, harmed
from ..stack import Stack, eventually
from .checker import sequences
from .clients import Account
from .dumps import PLANTED
from .history import NEMESIS, History
from .planting import plant_in_disorder
from .points import PARKING, POINTS
from .workload import Weights

SCENARIOS: Mapping[str, Weights] = {
    "people ask agents": {
        "send-message": 8,
        "ask-agent": 38,
        "create-module": 8,
        "open-chat": 6,
        "act": 22,
        "cancel-run": 18,
    },
    "people work by hand": {
        "send-message": 15,
        "ask-agent": 12,
        "create-module": 20,
        "change-module": 15,
        "act-on-module": 12,
        "open-chat": 6,
        "act": 14,
        "delete-module": 3,
        "cancel-run": 16,
    },
}
"""What clients ask for, by weight. Both have runs and cancellations, so that every point is passed."""

REACHED_S = 60.0
BACK_S = 60.0
STEADY_S = 3.2
"""A life that is shorter makes the runner wait longer before the next."""
_SIGN_IN_S = 0.5
_HELP_S = 4.0


class Sweep:
    """Arms one point after the other. `weights` are those of the clients, changed from scenario to scenario."""

    def __init__(self, stack: Stack, history: History, seed: int, weights: Weights, log: Callable[[str], None]) -> None:
        self._stack, self._history, self._weights, self._seed = stack, history, weights, seed
        self._log = log
        self._comer = Account(stack.url, f"comer-{seed}")
        self._name = f"{PLANTED}{seed}-{secrets.token_hex(3)}-"
        self._planted = 0
        self._scenario = ""
        self._lives: dict[tuple[str, float], float] = {}
        """When each life was first seen, by our own clock: when it began is known to a second alone."""
        self.recoveries: list[tuple[str, float]] = []
        """By process and point, the seconds from its death until it was ready again."""

    async def run(self, _: float) -> None:
        """All points of all processes; the time is what they need."""
        await self._comer.sign_up(organisation_name=f"comers-{self._seed}")
        signing_in = asyncio.create_task(self._sign_in())
        try:
            for self._scenario, weights in SCENARIOS.items():
                self._weights.clear()
                self._weights.update(weights)
                await asyncio.gather(*(self._process(name) for name in POINTS))
        finally:
            signing_in.cancel()
        await asyncio.to_thread(self._stack.healthy)

    async def _process(self, name: str) -> None:
        points = list(POINTS[name])
        Random(f"{self._seed} {self._scenario} {name}").shuffle(points)
        for done, point in enumerate(points, start=1):
            number = self._history.invoke(NEMESIS, "crash", {"target": name, "point": point, "in": self._scenario})
            reached = await self._dies(name, point)
            self._history.end(number, "ok" if reached else "info", {"target": name, "point": point})
            self._log(f"{self._scenario}: {name:8} {done:2}/{len(points)} {point}{'' if reached else ' NOT REACHED'}")

    async def _dies(self, name: str, point: str) -> bool:
        """Whether it passed the point in time; when it did, it is ready again."""
        life = await asyncio.to_thread(self._steady, name)
        with self._stack.armed(name, point) as fired:
            began, helped = time.monotonic(), 0.0
            while not fired():
                if time.monotonic() - began > REACHED_S:
                    return False
                if time.monotonic() - helped > _HELP_S:
                    await self._help(point)
                    helped = time.monotonic()
                await asyncio.sleep(0.05)
            died = time.time()
        await asyncio.to_thread(self._life, name, lambda since: since != life)
        self.recoveries.append((f"{name} {point}", time.time() - died))
        return True

    def _steady(self, name: str) -> float:
        return self._life(name, lambda life: time.monotonic() - self._lives[name, life] > STEADY_S)

    def _life(self, name: str, wanted: Callable[[float], bool]) -> float:
        """Waits for a life of the process that is wanted; when it began. Raises NotInTime."""

        def look() -> float | None:
            life = self._stack.runs_since(name)
            if life is None:
                return None
            self._lives.setdefault((name, life), time.monotonic())
            return life if wanted(life) and self._stack.ready_since(name) == life else None

        return eventually(look, f"{name} is back", BACK_S)

    async def _help(self, point: str) -> None:
        """Brings about what clients do not, or only when they happen to be quick."""
        if point in PARKING:
            await self._plant()
        elif point == "run.cancelling":
            await self._think_better()

    async def _plant(self) -> None:
        """Poison, and two events in the wrong order, where three services read them."""
        self._planted += 1
        key = f"{self._name}{self._planted}"
        headers, value = harmed(MEMBERSHIPS, key.encode(), POISON["broken data"])
        async with AIOKafkaProducer(**self._stack.kafka) as producer:
            await producer.send_and_wait(MEMBERSHIPS.name, value, key=key.encode(), headers=headers)
        await plant_in_disorder(self._stack, f"{key}-{sequences.PASSED_OVER}")

    async def _think_better(self) -> None:
        """Starts a run and cancels it at once. Whether it comes so far is for the crash point to say."""
        with suppress(httpx.HTTPError):
            started = await self._comer.http.post("/api/v1/agent/act", json={"message": "what do you think?"})
            if started.is_success:
                await self._comer.http.post(f"/api/v1/runs/{started.json()['run_id']}/cancel", json={})

    async def _sign_in(self) -> None:
        """Somebody comes in all the time: that is what auth does and publishes."""
        while True:
            await self._comer.sign_in()
            await asyncio.sleep(_SIGN_IN_S)
