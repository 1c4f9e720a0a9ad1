"""Records that are no events, on every topic of the running system: set aside or passed over, and all goes on."""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from chassis.core import new_id
from contracts.envelope import Envelope
from contracts.event import Event
from contracts.files import Files
from contracts.registry import all_contracts, all_topics
from contracts.topics import Topic
from local_stack import scenario

from ..people import Organisation
from ..records import PLANTED
from ..stack import Stack, eventually
from .test_revocation import WITHIN_S, signed_out
from .test_tokens import statuses

Headers = list[tuple[str, bytes]]
Harm = Callable[[Headers, bytes], tuple[Headers, bytes | None]]

KEYS = PLANTED + secrets.token_hex(4).encode() + b"-"
"""With this the keys of this session begin."""

CONTRACTS = {event.contract.topic.name: event for event in all_contracts()}
"""One kind of each topic."""


def _with(name: str, value: bytes) -> Harm:
    return lambda headers, data: ([*_less(headers, name), (name, value)], data)


def _less(headers: Headers, name: str) -> Headers:
    return [header for header in headers if header[0] != name]


POISON: dict[str, Harm] = {
    "bytes that are no event": lambda headers, data: ([], b"\xff\x00\xfe"),
    "no headers": lambda headers, data: ([], data),
    "a missing header": lambda headers, data: (_less(headers, "ce_id"), data),
    "a header that is not UTF-8": _with("ce_source", b"/stoa/\xff"),
    "a doubled header": lambda headers, data: ([*headers, ("ce_id", b"1")], data),
    "an unknown version": lambda headers, data: _with("ce_dataschema", _schema(headers, 99))(headers, data),
    "broken data": lambda headers, data: (headers, data[: len(data) // 2]),
    "other data": lambda headers, data: (headers, b'{"nothing": 1}'),
    "no data": lambda headers, data: (headers, None),
}
PASSED_OVER: dict[str, Harm] = {
    "an unknown kind": lambda headers, data: (
        [
            *_less(_less(headers, "ce_type"), "ce_dataschema"),
            ("ce_type", b"auth.moon-risen"),
            ("ce_dataschema", b"urn:stoa:schema:auth.moon-risen:1"),
        ],
        data,
    ),
}


def _schema(headers: Headers, version: int) -> bytes:
    return dict(headers)["ce_dataschema"].rpartition(b":")[0] + f":{version}".encode()


async def plant(producer: AIOKafkaProducer, topic: Topic) -> None:
    """Sends one of each, each under a key of its own."""
    event = CONTRACTS.get(topic.name, next(iter(CONTRACTS.values())))
    for number, harm in enumerate((POISON | PASSED_OVER).values()):
        key = KEYS + f"{topic.name}-{number}".encode()
        headers, value = harm(_good_headers(event, topic, key), Files().example(event).read_bytes())
        await producer.send_and_wait(topic.name, value, key=key, headers=headers)


def _good_headers(event: type[Event], topic: Topic, key: bytes) -> Headers:
    return Envelope(
        id=new_id(),
        kind=event.contract.kind,
        version=event.contract.version,
        source="/stoa/auth",
        subject=key.decode(),
        time=datetime.now(UTC),
        org_id=new_id(),
        actor="system:auth",
        audience="org",
        sequence=1 if topic.sort == "aggregate" else None,
        correlation_id=new_id(),
        causation_id=None,
        traceparent=None,
    ).to_headers()


@pytest.fixture(scope="module")
async def planted(stack: Stack) -> dict[str, int]:
    """Poison on every topic; how many lines each process had written before."""
    await asyncio.to_thread(stack.healthy)
    written = {process: len(stack.log(process)) for process in stack.urls}
    async with AIOKafkaProducer(**stack.kafka) as producer:
        for topic in all_topics():
            await plant(producer, topic)
    return written


async def parked(stack: Stack, service: str) -> dict[tuple[str, str], int]:
    """How many of the planted records lie aside, by consumer and topic."""
    connection: Any = await asyncpg.connect(stack.settings_of(service)["STOA_DATABASE_SYSTEM_DSN"])
    rows = await connection.fetch(
        "SELECT consumer, topic, count(*) FROM dead_letters WHERE key LIKE $1 GROUP BY consumer, topic",
        f"{KEYS.decode()}%",
    )
    await connection.close()
    return {(row["consumer"], row["topic"]): row["count"] for row in rows}


def expected(service: str) -> dict[tuple[str, str], int]:
    """Each consumer sets aside each poison of each topic that it reads; tails and the feed set nothing aside."""
    found = defaultdict[tuple[str, str], int](int)
    for event in all_contracts():
        for reader in event.contract.readers:
            if reader.startswith(f"{service}.") and not reader.endswith(".revocations"):
                found[(reader, event.contract.topic.name)] = len(POISON)
    return dict(found)


@pytest.mark.usefixtures("planted")
def test_each_consumer_sets_poison_aside_and_passes_over_what_it_does_not_know(stack: Stack) -> None:
    for service in stack.plan.services:
        eventually(partial(_as_expected, stack, service), f"{service} has set all poison aside", 10)


def _as_expected(stack: Stack, service: str) -> bool:
    return asyncio.run(parked(stack, service)) == expected(service)


@pytest.mark.usefixtures("planted")
async def test_the_main_job_is_done_all_the_same(stack: Stack) -> None:
    await scenario.run(stack.url)


@pytest.mark.usefixtures("planted")
def test_revocations_are_heard_all_the_same(stack: Stack) -> None:
    organisation = Organisation.founded(stack.url)
    token = {"Authorization": f"Bearer {organisation.founder.token}"}
    assert set(statuses(stack, token).values()) == {200}
    signed_out(organisation, organisation.founder)
    eventually(lambda: set(statuses(stack, token).values()) == {401}, "all refuse the token", WITHIN_S)


def test_every_process_stays_the_one_that_it_was(stack: Stack, planted: dict[str, int]) -> None:
    stack.healthy()
    since = [line["event"] for process, written in planted.items() for line in stack.log(process)[written:]]
    assert not {"process.started", "process.component_ended", "http.crashed"} & set(since)
