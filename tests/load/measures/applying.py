"""P9: how fast a consumer works off a backlog: chassis against a transaction for each event."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Self, cast
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer

from chassis.core import Actor, new_id
from chassis.kafka.connection import READING, Kafka
from chassis.kafka.messaging import consuming
from chassis.kafka.topics import create_topics, delete_topics
from chassis.memberships import memberships_consumer
from chassis.outbox.store import Outgoing
from chassis.testing.topics import topics_on
from chassis.testing.waiting import eventually, running
from chassis.use_case import Context
from contracts.auth.topics import MEMBERSHIPS
from contracts.auth.v1 import MembershipChanged, MembershipGranted, MembershipState
from contracts.envelope import Envelope, decode
from contracts.topics import Topic
from modules.settings import Settings

from ..bench import Bench
from ..figures import Figure, at_least_times
from ..processes import cpu_seconds
from ..turns import Sample, Side
from ..writer import Writer

_ROLES = ("viewer", "editor")
_MEMBERS, _CHANGES = 200, 25
_EVENTS = _MEMBERS * _CHANGES
_CONSUMER = "modules.memberships"
_BARE = replace(MEMBERSHIPS, name="bare", partitions=3)
"""Where the baseline reads, with as many partitions as topics have here."""

_EFFECT = """
INSERT INTO memberships (id, org_id, user_id, role, active) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET role = excluded.role, active = excluded.active
"""
_APPLIED = "SELECT coalesce(sum(sequence), 0) FROM inbox WHERE consumer = $1"


async def measure(bench: Bench) -> list[Figure]:
    """The effect is the projection of memberships."""
    async with bench.database_of("modules", Settings) as settings:
        kafka = Kafka.of(settings, client_id="bench")
        backlog = _Backlog(kafka, settings)
        async with topics_on(kafka), _topic(kafka):
            sides: dict[str, Side] = {"bare": backlog.one_by_one, "ours": backlog.consumed}
            found = await bench.in_turn("P9", sides)
            await backlog.writer.database.close()
    rate, cpu = found.both("ours", "bare", "rate"), found.both("ours", "bare", "cpu")
    against = "aiokafka, one asyncpg transaction per event"
    return [
        Figure("P9", "events applied from a backlog", "1/s", *rate, against, at_least_times(2)),
        Figure("P9", "processor time of an event in the process", "ms", *cpu, against),
    ]


class _Backlog:
    def __init__(self, kafka: Kafka, settings: Settings) -> None:
        self.writer = Writer(settings)
        self._kafka = kafka
        self._dsn = settings.database_system_dsn.get_secret_value()
        self._applied = 0

    async def consumed(self) -> Sample:
        """By the chassis: from a consumer that starts to the last event that is applied."""
        await self._publish(MEMBERSHIPS)
        components = consuming("modules", self._dsn, self._kafka, self.writer.runner, [memberships_consumer("modules")])
        raw = await asyncpg.connect(self._dsn)

        async def some() -> bool:
            return int(await raw.fetchval(_APPLIED, _CONSUMER)) > self._applied

        async def all_() -> bool:
            return int(await raw.fetchval(_APPLIED, _CONSUMER)) == self._applied + _EVENTS

        async with running(*components):
            await eventually(some, within=30)
            with _Clock() as clock:
                before = int(await raw.fetchval(_APPLIED, _CONSUMER)) - self._applied
                await eventually(all_, within=60)
        self._applied += _EVENTS
        await raw.close()
        return clock.sample(_EVENTS - before)

    async def one_by_one(self) -> Sample:
        """Decoded as ours, applied without an inbox, offsets committed once at the end."""
        await self._publish(_BARE)
        raw = await asyncpg.connect(self._dsn)
        group = {"group_id": f"{self._kafka.namespace}bare", "auto_offset_reset": "earliest"}
        consumer = AIOKafkaConsumer(
            self._kafka.topic(_BARE.name),
            **self._kafka.connection_settings,
            **READING,
            **group,
            enable_auto_commit=False,
        )
        await consumer.start()
        await _apply(raw, await consumer.getone())
        with _Clock() as clock:
            for _ in range(_EVENTS - 1):
                await _apply(raw, await consumer.getone())
        await consumer.commit()
        await consumer.stop()
        await raw.close()
        return clock.sample(_EVENTS - 1)

    async def _publish(self, topic: Topic) -> None:
        """A backlog of new members, each changed again and again; all that was there before has been read."""
        producer = self._kafka.producer()
        await producer.start()
        org_id = new_id()
        context = Context(actor=Actor.system("bench"), org_id=org_id, role=None, correlation_id=new_id())
        members = [(new_id(), new_id()) for _ in range(_MEMBERS)]
        for sequence in range(1, _CHANGES + 1):
            for member, user in members:
                event = _event(member, org_id, user, sequence)
                message = Outgoing.of(event, context, key=str(member), sequence=sequence, org_id=org_id)
                await producer.send(
                    self._kafka.topic(topic.name), message.value, message.key.encode(), headers=message.headers
                )
        await producer.stop()


def _event(member: UUID, org_id: UUID, user: UUID, sequence: int) -> MembershipGranted | MembershipChanged:
    before, now = _ROLES[sequence % 2], _ROLES[(sequence + 1) % 2]
    about = {"membership_id": member, "organisation_id": org_id, "user_id": user, "role": now}
    told = {**about, "state": MembershipState(**about, status="active")}
    return MembershipGranted(**told) if sequence == 1 else MembershipChanged(**told, previous_role=before)


async def _apply(raw: Any, record: Any) -> None:
    event = decode(Envelope.from_headers(record.headers), record.value)
    state = cast(MembershipGranted | MembershipChanged, event).state
    async with raw.transaction():
        await raw.execute(_EFFECT, state.membership_id, state.organisation_id, state.user_id, state.role, True)


@asynccontextmanager
async def _topic(kafka: Kafka) -> AsyncIterator[None]:
    await create_topics(kafka, [_BARE])
    yield
    await delete_topics(kafka, [_BARE])


class _Clock:
    """Time by the clock and of this process' processor, within a block."""

    def __enter__(self) -> Self:
        self._began, self._spent = time.perf_counter(), cpu_seconds([os.getpid()])
        return self

    def __exit__(self, *_: object) -> None:
        self._seconds = time.perf_counter() - self._began
        self._spent = cpu_seconds([os.getpid()]) - self._spent

    def sample(self, events: int) -> Sample:
        return {"rate": events / self._seconds, "cpu": 1000 * self._spent / events}
