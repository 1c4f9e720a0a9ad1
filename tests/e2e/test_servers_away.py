"""Broker or database away while all runs: what can be accepted is, nothing is lost, and all is caught up after."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from ..people import Conversation, Organisation
from ..records import record
from ..stack import Stack

ORDER = "create a project called Summer Tour"


@pytest.fixture
def chat(stack: Stack) -> Iterator[Conversation]:
    """A chat of somebody with the assistant; what the test harmed is well again before the next begins."""
    if not stack.owns_servers:
        pytest.skip("PostgreSQL and Kafka are named by the environment, so they are not ours to stop")
    stack.healthy()
    yield Conversation.opened(Organisation.founded(stack.url).founder)
    stack.healthy(40)


async def test_without_the_broker_writes_are_accepted_and_caught_up_afterwards(
    stack: Stack, chat: Conversation
) -> None:
    person = chat.person
    with stack.unattended():
        stack.kill("kafka")
        chat.ask(ORDER)
        written = person.call("POST", "/api/v1/modules", 201, json={"kind": "document", "data": {"title": "Rider"}})
        person.sign_in()
        assert {service: _live(url) for service, url in stack.urls.items()} == dict.fromkeys(stack.urls, 200)
    await asyncio.to_thread(stack.healthy, 40)
    reply = await asyncio.to_thread(chat.reply, 40)
    assert reply["author"]["kind"] == "agent"
    assert sorted(module["name"] for module in person.listed("/api/v1/modules")) == ["Rider", "Summer Tour"]
    for topic in ("modules-modules", "feed"):
        await record(stack, topic, lambda one: written["id"].encode() in (one.value or b""))


def test_without_the_database_answers_say_try_again_and_never_500(stack: Stack, chat: Conversation) -> None:
    person = chat.person
    with stack.unattended():
        stack.kill("postgres")
        answers = [
            person.http.get("/api/v1/chats"),
            person.http.post("/api/v1/modules", json={"kind": "document", "data": {"title": "Rider"}}),
            person.http.get("/api/v1/runs"),
            person.http.post("/api/v1/auth/login", json=person.credentials),
        ]
        assert {service: _live(url) for service, url in stack.urls.items()} == dict.fromkeys(stack.urls, 200)
    assert [answer.status_code for answer in answers] == [503] * len(answers), [answer.text for answer in answers]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    stack.healthy(40)
    chat.ask(ORDER)
    assert chat.reply()["author"]["kind"] == "agent"


def _live(url: str) -> int:
    return httpx.get(f"{url}/health/live", timeout=5).status_code
