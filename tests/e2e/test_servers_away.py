"""Broker or database away while all runs: what can be accepted is, nothing is lost, and all is caught up after."""

import secrets
from collections.abc import Iterator

import pytest

from ..people import Conversation, Organisation
from ..stack import HTTP, RECOVERY_S, Stack, eventually
from ..streams import Stream

ORDER = "create a project called Summer Tour"


@pytest.fixture
def chat(stack: Stack) -> Iterator[Conversation]:
    """A chat of somebody with the assistant; what the test harmed is well again before the next begins."""
    if not stack.owns_servers:
        pytest.skip("PostgreSQL and Kafka are named by the environment, so they are not ours to stop")
    stack.healthy()
    yield Conversation.opened(Organisation.founded(stack.url).founder)
    stack.healthy()


def test_without_the_broker_writes_are_accepted_and_caught_up_afterwards(stack: Stack, chat: Conversation) -> None:
    person = chat.person
    with Stream(person, "/api/v1/events") as feed:
        with stack.unattended():
            stack.kill("kafka")
            chat.ask(ORDER)
            rider = {"kind": "document", "data": {"title": "Rider"}}
            written = person.call("POST", "/api/v1/modules", 201, json=rider)
            person.sign_in()
            assert {service: _live(url) for service, url in stack.urls.items()} == dict.fromkeys(stack.urls, 200)
        stack.healthy()
        reply = chat.reply(RECOVERY_S)
        assert reply["author"]["kind"] == "agent"
        wanted = {written["id"], reply["id"]}
        eventually(lambda: all(one in feed.text for one in wanted), "who listened all the while has missed nothing")
    assert sorted(module["name"] for module in person.listed("/api/v1/modules")) == ["Rider", "Summer Tour"]


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
    assert [answer.status_code for answer in answers] == [503] * len(answers), [answer.text for answer in answers]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    again = {"Idempotency-Key": secrets.token_hex(8)}
    eventually(lambda: _answered(chat, again) == 201, "a client that tries again gets through", RECOVERY_S)
    assert chat.reply(RECOVERY_S)["author"]["kind"] == "agent"
    assert len(chat.messages) == 2


def _answered(chat: Conversation, headers: dict[str, str]) -> int:
    answer = chat.person.http.post(chat.path, json={"text": ORDER}, headers=headers)
    assert answer.status_code in (201, 503), answer.text
    return answer.status_code


def _live(url: str) -> int:
    return HTTP.get(f"{url}/health/live").status_code
