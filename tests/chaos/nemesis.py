"""The nemesis: harms the running system by a seeded plan, and writes what it did into the history of the clients."""

import asyncio
import secrets
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any, TypeAlias

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from contracts.registry import all_topics

from ..poison import PASSED_OVER, POISON, harmed
from ..stack import NotInTime, Stack
from .checker import sequences
from .checker.evidence import readers
from .dumps import PLANTED
from .history import NEMESIS, History, Json

Fault: TypeAlias = Callable[[], Awaitable[Json]]

HEAL_S = 90.0
"""The runner's longest pause between two starts, and a start."""

EMPTY_S = 20.0
"""Until the members of a group whose process was killed are forgotten."""


class Nemesis:
    """Chooses faults of the given sorts, one after the other, sometimes two at once.

    Each fault answers what it did; `target` names the process, or what all processes need.
    """

    def __init__(self, stack: Stack, history: History, seed: int, sorts: list[str]) -> None:
        self._stack, self._history = stack, history
        self._random = Random(f"{seed} nemesis")
        self._name = f"{PLANTED}{seed}-{secrets.token_hex(3)}-"
        self._planted = 0
        faults: dict[str, Callable[[str], Awaitable[Json]]] = {
            "kill": self._kill,
            "sigterm": self._sigterm,
            "pause": self._pause,
            "broker": self._broker,
            "postgres": self._postgres,
            "backends": self._backends,
            "rewind": self._rewind,
            "repeat": self._repeat,
            "poison": self._poison,
        }
        self._faults = {sort: faults[sort] for sort in sorts}
        self.recoveries: list[tuple[str, float]] = []
        """By fault, the seconds until all processes were well again."""

    async def run(self, seconds: float) -> None:
        """Harms for so long, then heals."""
        until = time.monotonic() + seconds
        await asyncio.sleep(min(3.0, seconds))
        while self._faults and time.monotonic() < until:
            sorts = self._random.sample(sorted(self._faults), k=min(self._how_many(), len(self._faults)))
            for sort in sorts:
                await self._do(sort)
            await self._heal("+".join(sorts))
            await asyncio.sleep(self._random.uniform(2, 6))
        await asyncio.sleep(max(0.0, until - time.monotonic()))
        await self._heal("")

    def _how_many(self) -> int:
        return 2 if self._random.random() < 0.25 else 1

    async def _do(self, sort: str) -> None:
        target = self._random.choice(sorted(self._stack.urls))
        number = self._history.invoke(NEMESIS, sort, {"target": _target(sort, target)})
        try:
            told = await self._faults[sort](target)
            self._history.end(number, "ok", told)
        except (NotInTime, psutil.Error, OSError, KafkaError, asyncpg.PostgresError, TimeoutError) as error:
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

    async def _pause(self, target: str) -> Json:
        """Longer than session and lease."""
        seconds = self._random.uniform(8, 15)
        with self._stack.frozen(target):
            await asyncio.sleep(seconds)
        return {"seconds": seconds}

    async def _broker(self, _: str) -> Json:
        """Killed; away for a while, or started again at once."""
        seconds = self._random.choice((0.0, 0.0, 5.0, 12.0))
        with self._stack.unattended():
            self._stack.kill("kafka")
            await asyncio.sleep(seconds)
        return {"seconds": seconds}

    async def _postgres(self, _: str) -> Json:
        """An immediate end: it recovers from its log at the next start."""
        self._stack.signal("postgres", signal.SIGQUIT)
        return {}

    async def _backends(self, _: str) -> Json:
        """Ten connections each second are cut off, whatever they are doing."""
        connection: Any = await asyncpg.connect(self._stack.plan.addresses.postgres_admin_dsn, timeout=5)
        cut = list[str]()
        try:
            for _moment in range(30):
                cut += await self._cut_one(connection)
                await asyncio.sleep(0.1)
        finally:
            await connection.close()
        return {"cut": cut}

    async def _cut_one(self, connection: Any) -> list[str]:
        found = await connection.fetch(
            "SELECT pid, application_name FROM pg_stat_activity WHERE datname = ANY($1) ORDER BY pid",
            self._stack.plan.services,
        )
        if not found:
            return []
        chosen = self._random.choice(found)
        await connection.execute("SELECT pg_terminate_backend($1)", chosen["pid"])
        return [chosen["application_name"]]

    async def _rewind(self, target: str) -> Json:
        """The group of one of its consumers is set back while the process is down, so that it reads again."""
        group = self._random.choice(_groups(target))
        with self._stack.unattended():
            await asyncio.to_thread(self._stack.kill, target)
            moved = await self._set_back(group, self._random.randint(1, 60))
        return {"group": group, "moved": moved}

    async def _set_back(self, group: str, by: int) -> dict[str, int]:
        names = [topic.name for topic in all_topics()]
        settings = {**self._stack.kafka, "group_id": group, "enable_auto_commit": False}
        async with asyncio.timeout(EMPTY_S), AIOKafkaConsumer(**settings) as consumer:
            partitions = [TopicPartition(name, number) for name in names for number in range(12)]
            consumer.assign(partitions)
            moved = {one: at - by for one in partitions if (at := await consumer.committed(one)) and at > 0}
            moved = {one: max(at, 0) for one, at in moved.items()}
            while moved:
                with suppress(KafkaError):
                    await consumer.commit(moved)
                    break
                await asyncio.sleep(0.5)
            return {f"{one.topic}/{one.partition}": at for one, at in moved.items()}

    async def _repeat(self, target: str) -> Json:
        """Old events of a topic are sent once more, behind newer ones."""
        mine = [topic for topic in all_topics() if topic.producer == target] or list(all_topics())
        topic = self._random.choice([one for one in mine if one.name != "feed"])
        settings = {**self._stack.kafka, "auto_offset_reset": "earliest", "enable_auto_commit": False}
        again = []
        async with asyncio.timeout(EMPTY_S), AIOKafkaConsumer(topic.name, **settings) as consumer:
            for batch in (await consumer.getmany(timeout_ms=2000, max_records=50)).values():
                again += [one for one in batch if not (one.key or b"").startswith(PLANTED.encode())]
        async with AIOKafkaProducer(**self._stack.kafka) as producer:
            for one in again:
                await producer.send_and_wait(topic.name, one.value, key=one.key, headers=list(one.headers))
        return {"topic": topic.name, "records": len(again), "producer": topic.producer}

    async def _poison(self, _: str) -> Json:
        """Some records that are no events, under keys of their own."""
        planted = {}
        async with AIOKafkaProducer(**self._stack.kafka) as producer:
            for _one in range(self._random.randint(1, 6)):
                topic = self._random.choice([one for one in all_topics() if one.name in readers()])
                sort = self._random.choice(sorted(POISON | PASSED_OVER))
                self._planted += 1
                mark = f"-{sequences.PASSED_OVER}" if sort in PASSED_OVER else ""
                key = f"{self._name}{self._planted}{mark}"
                headers, value = harmed(topic, key.encode(), (POISON | PASSED_OVER)[sort])
                at = await producer.send_and_wait(topic.name, value, key=key.encode(), headers=headers)
                planted[f"{at.topic}/{at.partition}/{at.offset}"] = sort
        return {"planted": planted}


def _groups(process: str) -> list[str]:
    consumers = {consumer for found in readers().values() for consumer in found}
    mine = sorted(consumer for consumer in consumers if consumer.startswith(f"{process}."))
    return mine or ["gateway.feed"]


def _target(sort: str, process: str) -> str:
    return {"broker": "kafka", "postgres": "postgres", "backends": "backends", "poison": "topics"}.get(sort, process)
