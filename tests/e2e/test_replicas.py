"""Two replicas of everything on one broker and the same databases: work is shared, and either may die."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from chassis.testing import waiting
from local_stack.plan import GATEWAY

from ..people import Conversation, Json, Organisation
from ..replica import Replica, second
from ..stack import HTTP, RECOVERY_S, Stack
from .test_kills import ORDER, assert_done_once


@pytest.fixture(scope="module")
def seconds(stack: Stack) -> Iterator[dict[str, Replica]]:
    """One more of every process."""
    stack.healthy()
    with ExitStack() as running:
        yield {name: running.enter_context(second(stack, name)) for name in stack.plan.ports}


def first_checks(stack: Stack, name: str) -> Json:
    checks: Json = HTTP.get(f"{stack.urls[name]}/health/ready").json()["checks"]
    return checks


def test_each_has_a_slot_of_its_own_and_one_relay_sends(stack: Stack, seconds: dict[str, Replica]) -> None:
    for name in ("modules", "chats", "agent"):
        assert {first_checks(stack, name)["slot"]["line"], seconds[name].checks["slot"]["line"]} == {"slot 0", "slot 1"}
    for name in stack.plan.services:
        lines = [first_checks(stack, name)["relay"]["line"], seconds[name].checks["relay"]["line"]]
        assert lines.count("another process sends") == 1, lines


async def test_partitions_are_shared_and_stay_where_they_are_when_one_comes_back(
    stack: Stack, seconds: dict[str, Replica]
) -> None:
    shared = await eventually_shared(stack, "chats.transcript")
    stack.kill("chats")
    await asyncio.to_thread(stack.healthy)
    assert await members(stack, "chats.transcript") == shared


def test_the_main_job_is_done_once_through_either_gateway(stack: Stack, seconds: dict[str, Replica]) -> None:
    for url in (stack.url, seconds[GATEWAY].url):
        assert_done_once(asked(Organisation.founded(url)))


@pytest.mark.parametrize("name", ["modules", "chats", "agent"])
def test_the_main_job_is_done_once_when_one_of_two_dies(stack: Stack, seconds: dict[str, Replica], name: str) -> None:
    organisation = Organisation.founded(stack.url)
    chat = asked(organisation)
    stack.kill(name)
    stack.healthy()
    assert_done_once(chat)


def asked(organisation: Organisation) -> Conversation:
    chat = Conversation.opened(organisation.founder)
    chat.ask(ORDER)
    return chat


async def eventually_shared(stack: Stack, group: str) -> dict[str, list[int]]:
    """The members once both have partitions."""

    async def shared() -> dict[str, list[int]] | None:
        found = await members(stack, group)
        return found if len(found) == 2 and all(found.values()) else None

    return await waiting.eventually(shared, within=RECOVERY_S) or {}


async def members(stack: Stack, group: str) -> dict[str, list[int]]:
    """The partitions of each static member."""
    admin = AIOKafkaAdminClient(**stack.kafka)
    await admin.start()
    try:
        [answer] = await admin.describe_consumer_groups([group])
    finally:
        await admin.close()
    [(_, _, _, _, _, found)] = [described[:6] for described in answer.groups]
    return {_instance(member_id): _partitions(assignment) for member_id, _, _, _, assignment in found}


def _instance(member_id: str) -> str:
    """The broker makes a static member's id of its instance id and a UUID."""
    return member_id.rsplit("-", 5)[0]


def _partitions(assignment: bytes) -> list[int]:
    if not assignment:
        return []
    decoded = ConsumerProtocolMemberAssignment.decode(assignment)
    return sorted(partition for _, partitions in decoded.assignment for partition in partitions)
