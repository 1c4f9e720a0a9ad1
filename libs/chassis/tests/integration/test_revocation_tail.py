"""The tail hears each revocation, from before its start and after, past poison and through a broker that was away."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer

from chassis.core import Actor, new_id
from chassis.health import Status
from chassis.http.revocations import Revocations
from chassis.kafka.connection import Kafka
from chassis.kafka.revocations import RevocationTail
from chassis.kafka.topics import create_topics
from chassis.testing.tokens import a_caller
from contracts.auth.topics import REVOCATIONS
from contracts.auth.v1 import AccessRevoked
from contracts.envelope import Envelope
from local_stack.backends import Backends

Revoke = Callable[..., Awaitable[None]]


@pytest.fixture(scope="module")
async def kafka(backends: Backends) -> Kafka:
    settings = await asyncio.to_thread(backends.service_environment, "auth", namespace=f"t{new_id().hex}-")
    kafka = Kafka(
        settings["STOA_KAFKA_BOOTSTRAP"],
        settings["STOA_KAFKA_USERNAME"],
        settings["STOA_KAFKA_PASSWORD"],
        settings["STOA_KAFKA_NAMESPACE"],
        "test",
    )
    await create_topics(kafka, [REVOCATIONS])
    return kafka


@pytest.fixture(scope="module")
async def producer(kafka: Kafka) -> AsyncIterator[AIOKafkaProducer]:
    producer = kafka.producer()
    await producer.start()
    yield producer
    await producer.stop()


@pytest.fixture
def revoke(kafka: Kafka, producer: AIOKafkaProducer) -> Revoke:
    async def revoke(subject: UUID, *, ago: timedelta = timedelta(0)) -> None:
        sent = datetime.now(UTC) - ago
        event = AccessRevoked(subject=subject, not_before=sent, reason="test")
        envelope = an_envelope(subject, sent)
        stamp = int(sent.timestamp() * 1000)
        await producer.send_and_wait(
            kafka.topic(REVOCATIONS.name),
            event.encode(),
            key=str(subject).encode(),
            headers=envelope.to_headers(),
            timestamp_ms=stamp,
        )

    return revoke


def an_envelope(subject: UUID, moment: datetime) -> Envelope:
    return Envelope(
        id=new_id(),
        kind="auth.access-revoked",
        version=1,
        source="/stoa/auth",
        subject=str(subject),
        time=moment,
        org_id=None,
        actor=str(Actor.system("auth")),
        audience="internal",
        sequence=None,
        correlation_id=new_id(),
        causation_id=None,
        traceparent=None,
    )


@asynccontextmanager
async def tailing(kafka: Kafka) -> AsyncIterator[tuple[RevocationTail, Revocations]]:
    revocations = Revocations()
    tail = RevocationTail(kafka, revocations)
    running = asyncio.create_task(tail.run())
    try:
        yield tail, revocations
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        await asyncio.sleep(0.01)


def ready(tail: RevocationTail) -> Callable[[], bool]:
    return lambda: tail.health().status is Status.HEALTHY


async def test_what_was_revoked_before_the_start_is_known_when_ready(kafka: Kafka, revoke: Revoke) -> None:
    callers = [a_caller(issued_at=datetime.now(UTC) - timedelta(minutes=1)) for _ in range(30)]
    for caller in callers:
        await revoke(caller.user_id)
    async with tailing(kafka) as (tail, revocations):
        assert tail.health().status is Status.UNHEALTHY
        await until(ready(tail))
        assert all(revocations.revoked(caller) for caller in callers)


async def test_a_revocation_is_heard_within_two_seconds(kafka: Kafka, revoke: Revoke) -> None:
    async with tailing(kafka) as (tail, revocations):
        await until(ready(tail))
        caller = a_caller()
        assert not revocations.revoked(caller)
        await revoke(caller.user_id)
        await until(lambda: revocations.revoked(caller), seconds=2)


async def test_poison_is_passed_over(kafka: Kafka, producer: AIOKafkaProducer, revoke: Revoke) -> None:
    topic, subject = kafka.topic(REVOCATIONS.name), new_id()
    envelope = an_envelope(subject, datetime.now(UTC))
    bad_version = replace(envelope, version=99).to_headers()
    caller = a_caller()
    async with tailing(kafka) as (tail, revocations):
        await until(ready(tail))
        for headers, value in (
            ([], b"\xff\x00 no event"),
            ([("ce_id", b"\xff")], b"{}"),
            (envelope.to_headers(), b'{"not_before": "yesterday"}'),
            (envelope.to_headers(), None),
            (bad_version, b"{}"),
        ):
            for partition in range(REVOCATIONS.partitions):
                await producer.send(topic, value, key=str(subject).encode(), headers=headers, partition=partition)
        await revoke(caller.user_id)
        await until(lambda: revocations.revoked(caller), seconds=2)
    async with tailing(kafka) as (tail, revocations):
        await until(ready(tail))
        assert revocations.revoked(caller)


async def test_a_missing_topic_and_an_absent_broker_are_named_until_they_come(kafka: Kafka) -> None:
    async with tailing(replace(kafka, namespace=f"empty{new_id().hex}-")) as (tail, _):
        await until(lambda: "there is no topic" in tail.health().line)
        assert tail.health().status is Status.UNHEALTHY
    host, port = kafka.bootstrap.split(",")[0].split(":")
    door = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    own = door.sockets[0].getsockname()[1]
    door.close()
    async with tailing(replace(kafka, bootstrap=f"127.0.0.1:{own}")) as (tail, _):
        await until(lambda: "KafkaConnectionError" in tail.health().line)
        async with await asyncio.start_server(_forward_to(host, int(port)), "127.0.0.1", own):
            await until(ready(tail))


def _forward_to(host: str, port: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            target.write(data)
        target.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, onward = await asyncio.open_connection(host, port)
        with suppress(ConnectionError):
            await asyncio.gather(pump(reader, onward), pump(back, writer))

    return forward
