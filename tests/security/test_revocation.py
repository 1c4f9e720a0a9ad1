"""Whoever is removed, demoted or signed out is refused everywhere within two seconds, open streams included."""

import asyncio
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer

from chassis.core import new_id
from contracts.actor import Through, UserActor
from contracts.agent.v1 import ModuleCommandRequested
from contracts.envelope import Envelope
from local_stack.plan import GATEWAY

from ..people import Conversation, Organisation, Person
from ..records import headers, record
from ..stack import HTTP, Stack, eventually
from ..streams import Stream
from .test_tokens import statuses

WITHIN_S = 2.0


def removed(organisation: Organisation, person: Person) -> None:
    _change(organisation, person, "DELETE", 204)


def demoted(organisation: Organisation, person: Person) -> None:
    _change(organisation, person, "PATCH", 200, json={"role": "viewer"})


def signed_out(_: Organisation, person: Person) -> None:
    person.call("POST", "/api/v1/auth/logout", 204)


def _change(organisation: Organisation, person: Person, method: str, status: int, **request: object) -> None:
    path = f"/api/v1/organisation/members/{person.id}"
    etag = organisation.founder.http.get(path).headers["ETag"]
    organisation.founder.call(method, path, status, headers={"If-Match": etag}, **request)


WAYS = [removed, demoted, signed_out]


@pytest.fixture(scope="module")
def organisation(stack: Stack) -> Organisation:
    stack.healthy()
    return Organisation.founded(stack.url)


@pytest.mark.parametrize("way", WAYS)
def test_every_process_refuses_the_old_token(
    stack: Stack, organisation: Organisation, way: Callable[[Organisation, Person], None]
) -> None:
    member = organisation.join("editor")
    token = {"Authorization": f"Bearer {member.token}"}
    assert set(statuses(stack, token).values()) == {200}
    way(organisation, member)
    eventually(lambda: set(statuses(stack, token).values()) == {401}, "all refuse the token", WITHIN_S)


@pytest.mark.parametrize("way", WAYS)
def test_a_stale_act_is_refused(
    stack: Stack, organisation: Organisation, way: Callable[[Organisation, Person], None]
) -> None:
    member = organisation.join("editor")
    token = {"Authorization": f"Bearer {member.token}"}

    def refused() -> bool:
        urls = (stack.url, stack.urls["agent"])
        answers = [HTTP.post(f"{url}/api/v1/agent/act", json={"message": "hello"}, headers=token) for url in urls]
        return {answer.status_code for answer in answers} == {401}

    assert not refused()
    way(organisation, member)
    eventually(refused, "no agent acts any more", WITHIN_S)


@pytest.mark.parametrize("way", WAYS)
def test_open_streams_end(
    stack: Stack, organisation: Organisation, way: Callable[[Organisation, Person], None]
) -> None:
    member = organisation.join("editor")
    chat = Conversation.opened(member)
    with stack.frozen("modules"):  # so that the run goes on
        run_id = _running(chat)
        with Stream(member, "/api/v1/events") as feed, Stream(member, f"/api/v1/runs/{run_id}/events") as run:
            way(organisation, member)
            eventually(lambda: feed.ended and run.ended, "both streams have ended", WITHIN_S)


@pytest.mark.parametrize("way", [removed, demoted])
async def test_a_command_of_an_agent_is_refused(
    stack: Stack, organisation: Organisation, way: Callable[[Organisation, Person], None]
) -> None:
    member = await asyncio.to_thread(organisation.join, "editor")
    assert await _commanded(stack, organisation.id, member.id) == "modules.command-completed"
    await asyncio.to_thread(way, organisation, member)
    async with asyncio.timeout(WITHIN_S):
        while await _commanded(stack, organisation.id, member.id) != "modules.command-refused":
            pass


def test_who_was_demoted_comes_back_with_fewer_rights(organisation: Organisation) -> None:
    member = organisation.join("editor")
    demoted(organisation, member)
    member.sign_in()
    assert member.me["role"] == "viewer"
    member.call("POST", "/api/v1/agent/act", 403, json={"message": "hello"})


def test_who_was_removed_gets_no_new_token(organisation: Organisation) -> None:
    member = organisation.join("editor")
    removed(organisation, member)
    refresh = {"refresh_token": member.tokens["refresh_token"]}
    member.call("POST", "/api/v1/auth/refresh", 401, json=refresh)
    assert member.http.post("/api/v1/auth/login", json=member.credentials).status_code in (401, 403)


def test_who_is_no_operator_any_more_is_refused_by_every_service(stack: Stack) -> None:
    operator = Organisation.founded(stack.url).founder
    stack.execute("auth", "super-admins", "grant", operator.email)
    operator.sign_in()
    paths = [f"/api/v1/operations/{service}/dead-letters" for service in stack.urls if service != GATEWAY]

    def answers() -> set[int]:
        return {operator.http.get(path).status_code for path in paths}

    assert answers() == {200}
    stack.execute("auth", "super-admins", "revoke", operator.email)
    eventually(lambda: answers() == {401}, "all refuse the token", WITHIN_S)
    operator.sign_in()
    assert (operator.me["role"], answers()) == ("admin", {403})


def _running(chat: Conversation) -> str:
    """A run that has begun and cannot end, since modules does not answer it."""
    chat.ask(f"create a project called {secrets.token_hex(4)}")

    def going_on() -> str | None:
        return next((run["id"] for run in chat.person.listed("/api/v1/runs") if run["status"] == "running"), None)

    return eventually(going_on, "the run has begun")


async def _commanded(stack: Stack, org_id: UUID, user_id: UUID) -> str:
    """Sends an agent's command for that user as the agent service would; answers the kind of the reply."""
    run_id, command_id = new_id(), uuid4()
    now = datetime.now(UTC)
    command = ModuleCommandRequested(
        command_id=command_id,
        run_id=run_id,
        action="create",
        kind="document",
        input={"title": "Rider"},
        deadline=now + timedelta(seconds=30),
    )
    envelope = Envelope(
        id=new_id(),
        kind=command.contract.kind,
        version=1,
        source="/stoa/agent",
        subject=str(run_id),
        time=now,
        org_id=org_id,
        actor=str(UserActor(user_id, through=Through(uuid4(), 1, run_id))),
        audience="internal",
        sequence=None,
        correlation_id=new_id(),
        causation_id=None,
        traceparent=None,
    )
    async with AIOKafkaProducer(**stack.kafka) as producer:
        await producer.send_and_wait(
            "modules-commands", command.encode(), key=str(run_id).encode(), headers=envelope.to_headers()
        )
    reply = await record(stack, "modules-replies", lambda one: str(command_id).encode() in (one.value or b""))
    return headers(reply)["ce_type"]
