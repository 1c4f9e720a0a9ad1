from typing import Any
from uuid import UUID

from chassis.core import Actor, new_id
from chassis.http.tokens import Caller
from chassis.testing.service import RunningService
from chassis.testing.tokens import a_caller
from chassis.testing.waiting import eventually
from contracts.agent.v1 import AgentPublished, AgentState, RunCancelled, RunCompleted, RunFailed, RunQueued
from contracts.chats.v1 import ChatOpened, MessageSent


async def test_a_question_to_an_agent_opens_its_chat_with_the_message_and_the_reply_follows(
    chats: RunningService,
) -> None:
    run = Run(a_caller())
    await run.queued(chats, open_chat=True)
    await run.completed(chats, "Done.")
    messages = await _messages(chats, run, 2)
    assert [(message["author"]["kind"], message["text"]) for message in messages] == [
        ("user", "create a project called Summer Tour"),
        ("agent", "Done."),
    ]
    assert {message["run_id"] for message in messages} == {str(run.run_id)}
    [(_, opened)] = await chats.published(ChatOpened, lambda event: event.chat_id == run.chat_id)
    assert (opened.agent_id, opened.title) == (run.agent_id, "create a project called Summer Tour")


async def test_events_delivered_three_times_make_one_message_each(chats: RunningService) -> None:
    run = Run(a_caller())
    await run.queued(chats, open_chat=True, times=3)
    await run.completed(chats, "Done.", times=3)
    await run.failed(chats, "behind the repeats, on the same key")
    messages = await _messages(chats, run, 3)
    assert [message["text"] for message in messages][:2] == [run.text, "Done."]
    assert messages[2]["author"]["kind"] == "system"


async def test_a_failed_and_a_cancelled_run_leave_a_visible_note(chats: RunningService) -> None:
    run = Run(a_caller())
    await run.queued(chats, open_chat=True)
    await run.failed(chats, "the model did not answer")
    cancelled = Run(run.caller, run.agent_id, chat_id=run.chat_id)
    await cancelled.queued(chats, open_chat=False)
    await _messages(chats, run, 3)
    await cancelled.cancelled(chats, "Ada stopped it")
    notes = [message for message in await _messages(chats, run, 4) if message["author"]["kind"] == "system"]
    assert [note["text"] for note in notes] == [
        "The agent could not finish: the model did not answer",
        "The agent was stopped: Ada stopped it",
    ]


async def test_a_question_for_a_chat_that_is_not_known_yet_waits_for_it(chats: RunningService) -> None:
    caller = a_caller()
    first, second = Run(caller), Run(caller)
    second.chat_id = first.chat_id
    await second.queued(chats, open_chat=False)
    await first.queued(chats, open_chat=True)
    messages = await _messages(chats, first, 2)
    assert {message["run_id"] for message in messages} == {str(first.run_id), str(second.run_id)}


async def test_a_run_of_a_chat_message_adds_no_message_of_its_own(chats: RunningService) -> None:
    caller, agent_id = a_caller(), new_id()
    await _publish_agent(chats, caller.org_id, agent_id)
    chat_id = await _open_with_agent(chats, caller, agent_id)
    run = Run(caller, agent_id, chat_id=chat_id)
    await run.queued(chats, open_chat=False, text=None)
    await run.completed(chats, "Hello.")
    [message] = await _messages(chats, run, 1)
    assert (message["text"], message["number"]) == ("Hello.", 1)
    sent = await chats.published(MessageSent, lambda event: event.chat_id == chat_id)
    assert sent[0][1].author.agent_id == agent_id


async def test_a_retired_agent_can_no_longer_be_asked_into_a_chat(chats: RunningService) -> None:
    caller, agent_id = a_caller(), new_id()
    await _publish_agent(chats, caller.org_id, agent_id)
    await _open_with_agent(chats, caller, agent_id)
    await _publish_agent(chats, caller.org_id, agent_id, sequence=2, status="retired")
    body = {"title": "Planning", "agent_id": str(agent_id)}

    async def refused() -> bool:
        answer = await chats.http.post("/api/v1/chats", json=body, headers=chats.as_(caller))
        return answer.status_code == 422

    await eventually(refused)


async def test_an_agent_of_another_organisation_is_unknown(chats: RunningService) -> None:
    owner, agent_id = a_caller(), new_id()
    await _publish_agent(chats, owner.org_id, agent_id)
    await _open_with_agent(chats, owner, agent_id)
    body = {"title": "Planning", "agent_id": str(agent_id)}
    answer = await chats.http.post("/api/v1/chats", json=body, headers=chats.as_(a_caller()))
    assert answer.status_code == 422


class Run:
    """A run as the agent service would tell of it: its events in order, each with the next sequence."""

    def __init__(self, caller: Caller, agent_id: UUID | None = None, *, chat_id: UUID | None = None) -> None:
        self.caller = caller
        self.run_id, self.chat_id, self.agent_id = new_id(), chat_id or new_id(), agent_id or new_id()
        self.text = "create a project called Summer Tour"
        self._sequence = 0

    async def queued(self, chats: RunningService, *, open_chat: bool, text: str | None = "", times: int = 1) -> None:
        said = self.text if text == "" else text
        event = RunQueued(
            **self._whose(), agent_version=1, origin="act" if said else "message", text=said, open_chat=open_chat
        )
        await self._publish(chats, event, times)

    async def completed(self, chats: RunningService, text: str, times: int = 1) -> None:
        await self._publish(chats, RunCompleted(**self._whose(), text=text), times)

    async def failed(self, chats: RunningService, reason: str) -> None:
        await self._publish(chats, RunFailed(**self._whose(), reason=reason), 1)

    async def cancelled(self, chats: RunningService, reason: str) -> None:
        await self._publish(chats, RunCancelled(**self._whose(), reason=reason), 1)

    def _whose(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "chat_id": self.chat_id,
            "user_id": self.caller.user_id,
            "agent_id": self.agent_id,
        }

    async def _publish(self, chats: RunningService, event: Any, times: int) -> None:
        self._sequence += 1
        actor = Actor.user(self.caller.user_id).through(self.agent_id, 1, self.run_id)
        await chats.publish(
            event, key=self.run_id, org_id=self.caller.org_id, sequence=self._sequence, actor=actor, times=times
        )


async def _messages(chats: RunningService, run: Run, count: int) -> list[dict[str, Any]]:
    """Waits until the chat has `count` messages; answers them."""

    async def found() -> list[dict[str, Any]]:
        path = f"/api/v1/chats/{run.chat_id}/messages"
        answer = await chats.http.get(path, headers=chats.as_(run.caller))
        items: list[dict[str, Any]] = answer.json().get("items", [])
        return items if len(items) >= count else []

    messages = await eventually(found)
    assert len(messages) == count
    return messages


async def _publish_agent(
    chats: RunningService, org_id: UUID, agent_id: UUID, *, sequence: int = 1, status: str = "active"
) -> None:
    state = AgentState.model_validate(
        {"agent_id": agent_id, "organisation_id": org_id, "name": "Assistant", "version": 1, "status": status}
    )
    event = AgentPublished(agent_id=agent_id, name="Assistant", version=1, state=state)
    await chats.publish(event, key=agent_id, org_id=org_id, sequence=sequence)


async def _open_with_agent(chats: RunningService, caller: Caller, agent_id: UUID) -> UUID:
    """Opens a chat with the agent as soon as it is known."""

    async def opened() -> str | None:
        body = {"title": "Planning", "agent_id": str(agent_id)}
        answer = await chats.http.post("/api/v1/chats", json=body, headers=chats.as_(caller))
        return answer.json()["id"] if answer.status_code == 201 else None

    return UUID(await eventually(opened))
