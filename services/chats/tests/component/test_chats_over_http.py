from typing import Any
from uuid import UUID

import pytest

from chassis.core import new_id
from chassis.http.tokens import Caller
from chassis.testing.service import RunningService
from chassis.testing.tokens import a_caller
from chassis.testing.waiting import eventually
from contracts.auth.v1 import MembershipGranted, MembershipState
from contracts.chats.v1 import ChatOpened, MessageSent
from contracts.permissions import Role


async def test_a_chat_that_was_opened_can_be_read(chats: RunningService) -> None:
    caller = a_caller()
    opened = await chats.http.post("/api/v1/chats", json={"title": " Planning "}, headers=chats.as_(caller))
    assert opened.status_code == 201
    chat = opened.json()
    assert (chat["title"], chat["participants"], chat["message_count"]) == ("Planning", [str(caller.user_id)], 0)
    read = await chats.http.get(opened.headers["location"], headers=chats.as_(caller))
    assert read.json() == chat
    assert read.headers["etag"] == opened.headers["etag"] == '"1"'


async def test_opening_a_chat_and_writing_in_it_is_published_in_order(chats: RunningService) -> None:
    caller = a_caller()
    chat_id = await _open(chats, caller)
    await _send(chats, caller, chat_id, "one")
    await _send(chats, caller, chat_id, "two")
    [(opened, _)] = await chats.published(ChatOpened, lambda event: event.chat_id == chat_id)
    sent = await chats.published(MessageSent, lambda event: event.chat_id == chat_id, count=2)
    assert [opened.sequence, *(envelope.sequence for envelope, _ in sent)] == [1, 2, 3]
    assert [(event.number, event.text) for _, event in sent] == [(1, "one"), (2, "two")]
    assert {envelope.audience for envelope, _ in sent} == {f"users:{caller.user_id}"}
    assert {envelope.actor for envelope, _ in sent} == {f"user:{caller.user_id}"}


async def test_messages_are_listed_in_both_directions_page_by_page(chats: RunningService) -> None:
    caller = a_caller()
    chat_id = await _open(chats, caller)
    for number in range(5):
        await _send(chats, caller, chat_id, f"message {number}")
    forward = await _all_pages(chats, caller, f"/api/v1/chats/{chat_id}/messages?limit=2")
    backward = await _all_pages(chats, caller, f"/api/v1/chats/{chat_id}/messages?limit=2&order=newest-first")
    assert [message["number"] for message in forward] == [1, 2, 3, 4, 5]
    assert backward == forward[::-1]


async def test_my_chats_are_listed_newest_first_and_no_others(chats: RunningService) -> None:
    caller = a_caller()
    stranger = a_caller(org_id=caller.org_id)
    mine = [await _open(chats, caller, f"chat {number}") for number in range(3)]
    await _open(chats, stranger)
    listed = await _all_pages(chats, caller, "/api/v1/chats?limit=2")
    assert [UUID(chat["id"]) for chat in listed] == mine[::-1]


async def test_a_chat_of_another_organisation_does_not_exist(chats: RunningService) -> None:
    caller = a_caller()
    chat_id = await _open(chats, caller)
    elsewhere = a_caller(user_id=caller.user_id)
    read = await chats.http.get(f"/api/v1/chats/{chat_id}", headers=chats.as_(elsewhere))
    written = await chats.http.post(
        f"/api/v1/chats/{chat_id}/messages", json={"text": "hello"}, headers=chats.as_(elsewhere)
    )
    assert (read.status_code, written.status_code) == (404, 404)
    assert read.json()["type"] == "urn:stoa:problem:chat-not-found"


async def test_only_participants_may_read_or_write(chats: RunningService) -> None:
    caller = a_caller()
    chat_id = await _open(chats, caller)
    colleague = a_caller(org_id=caller.org_id, role=Role.ADMIN)
    path = f"/api/v1/chats/{chat_id}"
    answers = [
        await chats.http.get(path, headers=chats.as_(colleague)),
        await chats.http.get(f"{path}/messages", headers=chats.as_(colleague)),
        await chats.http.post(f"{path}/messages", json={"text": "hello"}, headers=chats.as_(colleague)),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]


async def test_a_viewer_may_read_but_neither_open_nor_write(chats: RunningService) -> None:
    caller = a_caller()
    viewer = a_caller(user_id=caller.user_id, org_id=caller.org_id, role=Role.VIEWER)
    chat_id = await _open(chats, caller)
    opened = await chats.http.post("/api/v1/chats", json={"title": "Mine"}, headers=chats.as_(viewer))
    path = f"/api/v1/chats/{chat_id}/messages"
    written = await chats.http.post(path, json={"text": "hello"}, headers=chats.as_(viewer))
    read = await chats.http.get(path, headers=chats.as_(viewer))
    assert (opened.status_code, written.status_code, read.status_code) == (403, 403, 200)


async def test_only_members_of_the_organisation_can_be_invited_into_a_chat(chats: RunningService) -> None:
    caller, colleague = a_caller(), new_id()
    body = {"title": "Planning", "participants": [str(colleague)]}
    refused = await chats.http.post("/api/v1/chats", json=body, headers=chats.as_(caller))
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/participants"
    await _join(chats, caller.org_id, colleague)

    async def opened() -> bool:
        answer = await chats.http.post("/api/v1/chats", json=body, headers=chats.as_(caller))
        return answer.status_code == 201

    await eventually(opened)


async def test_an_unknown_agent_is_refused(chats: RunningService) -> None:
    body = {"title": "Planning", "agent_id": str(new_id())}
    refused = await chats.http.post("/api/v1/chats", json=body, headers=chats.as_(a_caller()))
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:stoa:problem:agent-unknown")


async def test_the_same_key_sends_a_message_once(chats: RunningService) -> None:
    caller = a_caller()
    chat_id = await _open(chats, caller)
    path, headers = f"/api/v1/chats/{chat_id}/messages", chats.as_(caller, idempotency_key="k-1")
    first = await chats.http.post(path, json={"text": "hello"}, headers=headers)
    again = await chats.http.post(path, json={"text": "hello"}, headers=headers)
    other = await chats.http.post(path, json={"text": "goodbye"}, headers=headers)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status_code == 422
    assert len(await _all_pages(chats, caller, path)) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/title"),
        ({"title": ""}, "/title"),
        ({"title": "x" * 201}, "/title"),
        ({"title": 7}, "/title"),
        ({"title": "ok", "participants": ["nobody"]}, "/participants/0"),
        ({"title": "ok", "org_id": "mine"}, "/org_id"),
    ],
)
async def test_bad_input_names_its_field(chats: RunningService, body: dict[str, Any], pointer: str) -> None:
    refused = await chats.http.post("/api/v1/chats", json=body, headers=chats.as_(a_caller()))
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


@pytest.mark.parametrize("text", ["", "   ", "\n", "x" * 20_001])
async def test_a_message_without_words_or_with_too_many_is_refused(chats: RunningService, text: str) -> None:
    caller = a_caller()
    chat_id = await _open(chats, caller)
    path = f"/api/v1/chats/{chat_id}/messages"
    refused = await chats.http.post(path, json={"text": text}, headers=chats.as_(caller))
    assert refused.status_code == 422


async def _open(chats: RunningService, caller: Caller, title: str = "Planning") -> UUID:
    opened = await chats.http.post("/api/v1/chats", json={"title": title}, headers=chats.as_(caller))
    assert opened.status_code == 201, opened.text
    return UUID(opened.json()["id"])


async def _send(chats: RunningService, caller: Caller, chat_id: UUID, text: str) -> None:
    sent = await chats.http.post(f"/api/v1/chats/{chat_id}/messages", json={"text": text}, headers=chats.as_(caller))
    assert sent.status_code == 201, sent.text


async def _all_pages(chats: RunningService, caller: Caller, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        separator = "&" if "?" in path else "?"
        where = f"{path}{separator}cursor={cursor}" if cursor else path
        page = (await chats.http.get(where, headers=chats.as_(caller))).json()
        items += page["items"]
        cursor = page["next_cursor"]
    return items


async def _join(chats: RunningService, org_id: UUID, user_id: UUID) -> None:
    membership = new_id()
    state = MembershipState(
        membership_id=membership, organisation_id=org_id, user_id=user_id, role=Role.EDITOR.value, status="active"
    )
    event = MembershipGranted(
        membership_id=membership, organisation_id=org_id, user_id=user_id, role=Role.EDITOR.value, state=state
    )
    await chats.publish(event, key=membership, org_id=org_id, sequence=1)
