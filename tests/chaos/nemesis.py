"""The nemesis: harms the running system by a seeded plan, and writes what it did into the history of the clients."""

import asyncio
import secrets
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import TypeAlias

import asyncpg
import psutil
from aiokafka.errors import KafkaError

from contracts.registry import all_topics

from ..stack import NotInTime, Stack, eventually
from .around import Around
from .checker.evidence import FEED, readers
from .disks import fill
from .dumps import PLANTED
from .history import NEMESIS, History, Json
from .network import Network
from .planting import plant_in_disorder, plant_poison
from .points import PARKING, POINTS, SWEPT
from .repairs import rebuild, redrive, wipe
from .repeating import send_again, set_back
from .sessions import Sessions
from .storm import storm

Fault: TypeAlias = Callable[[], Awaitable[Json]]

SORTS = (
    "kill",
    "sigterm",
    "pause",
    "broker",
    "postgres",
    "backends",
    "rewind",
    "repeat",
    "poison",
    "disorder",
    "crash",
    "stall",
    "lock",
    "pool",
    "idle-transaction",
    "slow-disk",
    "cut",
    "slow",
    "in-flight",
    "broken-off",
    "storm",
    "rebuild",
    "wipe",
    "model",
    "disk",
    "redrive",
)

HEAL_S = 90.0
"""The runner's longest pause between two starts, and a start."""

_FAILED = (
    NotInTime,
    psutil.Error,
    OSError,
    KafkaError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""How a fault may come to nothing: another one at the same moment is in its way."""

_UNATTENDED = {"broker", "rewind", "in-flight", "wipe"}
"""For these the runner stands still; one at a time."""


class Nemesis:
    """Chooses faults of the given sorts, one after the other, sometimes two at once.

    Each fault answers what it did; `target` names the process, or what all processes need. `cut` and `slow` need
    proxies before the servers, `model` and `storm` the models' server, `disk` disks of their own.
    """

    def __init__(
        self,
        stack: Stack,
        history: History,
        seed: int,
        sorts: Sequence[str],
        crash_point: str | None,
        around: Around,
    ) -> None:
        self._stack, self._history, self._crash_point = stack, history, crash_point
        self._random = Random(f"{seed} nemesis")
        self._name = f"{PLANTED}{seed}-{secrets.token_hex(3)}-"
        self._planted = 0
        self._sessions, self._network = Sessions(stack, self._random, seed), Network(around.proxies, self._random)
        self._models, self._disks = around.models, around.disks
        faults = self._known()
        self._faults = {sort: faults[sort] for sort in sorts}
        self.recoveries: list[tuple[str, float]] = []
        """By fault, the seconds until all processes were well again."""

    def _known(self) -> dict[str, Callable[[str], Awaitable[Json]]]:
        return {
            "kill": self._kill,
            "sigterm": self._sigterm,
            "pause": self._pause,
            "broker": self._broker,
            "postgres": self._postgres,
            "backends": self._sessions.backends,
            "rewind": self._rewind,
            "repeat": self._repeat,
            "poison": self._poison,
            "disorder": self._disorder,
            "crash": self._crash,
            "stall": self._stall,
            "lock": self._sessions.lock,
            "pool": self._sessions.pool,
            "idle-transaction": self._sessions.idle_transaction,
            "slow-disk": self._sessions.slow_disk,
            "cut": self._network.cut,
            "slow": self._network.slow,
            "in-flight": self._in_flight,
            "broken-off": self._sessions.broken_off,
            "storm": lambda target: storm(self._stack, target, self._random, self._models),
            "rebuild": lambda _: rebuild(self._stack, self._random),
            "wipe": lambda _: wipe(self._stack),
            "model": self._models.fail,
            "disk": lambda _: fill(self._disks, self._random),
            "redrive": lambda _: redrive(self._stack),
        }

    async def run(self, seconds: float) -> None:
        """Harms for so long, then heals."""
        until = time.monotonic() + seconds
        if "pool" in self._faults:
            await self._sessions.prepare()
        while self._faults and time.monotonic() < until:
            sorts = self._random.sample(sorted(self._faults), k=min(self._how_many(), len(self._faults)))
            if set(sorts) <= _UNATTENDED:
                sorts = sorts[:1]
            await asyncio.gather(*(self._do(sort) for sort in sorts))
            await self._heal("+".join(sorts))
            await asyncio.sleep(self._random.uniform(2, 6))
        await asyncio.sleep(max(0.0, until - time.monotonic()))
        self._models.heal()
        await self._heal("")

    def _how_many(self) -> int:
        return 2 if self._random.random() < 0.25 else 1

    async def _do(self, sort: str) -> None:
        targets = [one for one in sorted(self._stack.urls) if sort != "rewind" or _groups(one)]
        target = self._random.choice(targets)
        number = self._history.invoke(NEMESIS, sort, {"target": _target(sort, target)})
        try:
            told = await self._faults[sort](target)
            self._history.end(number, "ok", told)
        except _FAILED as error:
            self._history.end(number, "info", {"error": repr(error)})

    async def _heal(self, sort: str) -> None:
        began = time.monotonic()
        while not await asyncio.to_thread(self._stack.is_well):
            if time.monotonic() - began > HEAL_S:
                rows = {name: f"{row.state} {row.note}" for name, row in self._stack.board.rows.items()}
                self._history.note(NEMESIS, "unhealed", {"what": rows})
                return
            await asyncio.sleep(0.2)
        if sort:
            self.recoveries.append((sort, time.monotonic() - began))
            self._history.note(NEMESIS, "healed", {"after": sort, "seconds": round(self.recoveries[-1][1], 2)})

    async def _kill(self, target: str) -> Json:
        await asyncio.to_thread(self._stack.kill, target)
        return {}

    async def _sigterm(self, target: str) -> Json:
        await asyncio.to_thread(self._stack.signal, target, signal.SIGTERM)
        return {}

    async def _disorder(self, _: str) -> Json:
        """Two events of one key, the second before the first, where three services read them; of an unknown kind."""
        return {"planted": await plant_in_disorder(self._stack, self._new_key())}

    async def _crash(self, _: str) -> Json:
        """A process dies at the run's crash point, or at any of its own."""
        return await self._die_at(
            self._crash_point or self._random.choice([one for one in SWEPT if one not in PARKING])
        )

    async def _in_flight(self, _: str) -> Json:
        """A process dies with messages that it has handed over to a broker that is gone."""
        with self._stack.unattended():
            self._stack.kill("kafka")
            return await self._die_at("relay.sent")

    async def _die_at(self, point: str) -> Json:
        target = self._random.choice([name for name, points in POINTS.items() if point in points])
        with self._stack.armed(target, point) as fired:
            await asyncio.to_thread(eventually, fired, f"{target} dies at {point}")
        return {"target": target, "point": point}

    async def _pause(self, target: str) -> Json:
        """Longer than session and lease."""
        seconds = self._random.uniform(8, 15)
        with self._stack.frozen(target):
            await asyncio.sleep(seconds)
        return {"seconds": seconds}

    async def _stall(self, _: str) -> Json:
        """A server stands still: its clients' connections stay open, and nobody answers, as behind a black hole."""
        seconds, server = self._random.uniform(4, 20), self._random.choice(("kafka", "postgres"))
        with self._stack.frozen(server):
            await asyncio.sleep(seconds)
        return {"seconds": seconds, "producer": server}

    async def _broker(self, _: str) -> Json:
        """Killed; away for a while, or started again at once."""
        seconds = self._random.choice((0.0, 0.0, 5.0, 12.0))
        with self._stack.unattended():
            self._stack.kill("kafka")
            await asyncio.sleep(seconds)
        return {"seconds": seconds}

    async def _postgres(self, _: str) -> Json:
        """An immediate end: it recovers from its log at the next start."""
        await asyncio.to_thread(self._stack.signal, "postgres", signal.SIGQUIT)
        return {}

    async def _rewind(self, target: str) -> Json:
        """The group of one of its consumers is set back while the process is down, so that it reads again."""
        group = self._random.choice(_groups(target))
        with self._stack.unattended():
            await asyncio.to_thread(self._stack.kill, target)
            moved = await set_back(self._stack, group, self._random.randint(1, 60))
        return {"group": group, "moved": moved}

    async def _repeat(self, target: str) -> Json:
        """Old events of a topic are sent once more, behind newer ones."""
        topics = [topic for topic in all_topics() if topic.name != FEED]
        topic = self._random.choice([topic for topic in topics if topic.producer == target] or topics)
        again = await send_again(self._stack, topic.name)
        return {"topic": topic.name, "records": again, "producer": topic.producer}

    async def _poison(self, _: str) -> Json:
        """Some records that are no events, under keys of their own."""
        return {"planted": await plant_poison(self._stack, self._random, self._new_key)}

    def _new_key(self) -> str:
        self._planted += 1
        return f"{self._name}{self._planted}"


def _groups(process: str) -> list[str]:
    consumers = {"gateway.feed"}.union(*readers().values())
    return sorted(consumer for consumer in consumers if consumer.startswith(f"{process}."))


_TARGETS = {
    "broker": "kafka",
    "rebuild": "copies",
    "wipe": "kafka",
    "postgres": "postgres",
    "backends": "backends",
    "poison": "topics",
    "crash": "anybody",
    "in-flight": "kafka",
    "model": "models",
    "disk": "disk",
    "redrive": "dead letters",
}


def _target(sort: str, process: str) -> str:
    return _TARGETS.get(sort, process)
