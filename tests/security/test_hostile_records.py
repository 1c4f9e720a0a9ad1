"""Records that are no events, on every topic of the running system: set aside or passed over, and all goes on."""

import asyncio
import secrets
from collections import defaultdict
from functools import partial
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from contracts.registry import all_contracts, all_topics
from contracts.topics import Topic
from local_stack import scenario

from ..people import Organisation
from ..poison import PASSED_OVER, POISON, harmed
from ..records import PLANTED
from ..stack import Stack, eventually
from .test_revocation import WITHIN_S, signed_out
from .test_tokens import statuses

KEYS = PLANTED + secrets.token_hex(4).encode() + b"-"
"""With this the keys of this session begin."""


async def plant(producer: AIOKafkaProducer, topic: Topic) -> None:
    """Sends one of each, each under a key of its own."""
    for number, harm in enumerate((POISON | PASSED_OVER).values()):
        key = KEYS + f"{topic.name}-{number}".encode()
        headers, value = harmed(topic, key, harm)
        await producer.send_and_wait(topic.name, value, key=key, headers=headers)


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
            if reader.startswith(f"{service}.") and not reader.endswith((".revocations", ".rebuilds")):
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
