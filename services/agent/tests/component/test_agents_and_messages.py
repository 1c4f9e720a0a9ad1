from typing import Any
from uuid import UUID

from chassis.core import new_id
from chassis.testing.service import RunningService
from chassis.testing.tokens import a_caller
from chassis.testing.waiting import eventually
from contracts.agent.v1 import AgentPublished, RunCancelled, RunCompleted, RunQueued
from contracts.auth.v1 import OrganisationCreated, OrganisationState

from ..modules_stand_in import ModulesStandIn, a_module, created
from ..people import Chat, Organisation


async def test_a_new_organisation_gets_one_assistant_however_often_it_hears_of_it(agent: RunningService) -> None:
    ada = a_caller()
    state = OrganisationState(organisation_id=ada.org_id, name="Acme")
    event = OrganisationCreated(organisation_id=ada.org_id, name="Acme", state=state)
    await agent.publish(event, key=ada.org_id, org_id=ada.org_id, sequence=1, times=3)
    [(envelope, published)] = await agent.published(AgentPublished, lambda one: one.state.organisation_id == ada.org_id)
    assert (published.name, published.version, envelope.sequence) == ("Assistant", 1, 1)
    listed = (await agent.http.get("/api/v1/agents", headers=agent.as_(ada))).json()
    assert [item["id"] for item in listed["items"]] == [str(published.agent_id)]
    shown = await agent.http.get(f"/api/v1/agents/{published.agent_id}", headers=agent.as_(ada))
    assert shown.json() == listed["items"][0]
    assert (shown.json()["model"], shown.json()["status"], shown.headers["etag"]) == ("offline", "active", '"1"')


async def test_an_agent_of_another_organisation_does_not_exist(agent: RunningService) -> None:
    acme, other = await Organisation.founded(agent), await Organisation.founded(agent)
    for agent_id in (acme.assistant, new_id()):
        answer = await agent.http.get(f"/api/v1/agents/{agent_id}", headers=agent.as_(other.ada))
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:stoa:problem:agent-not-found")


async def test_a_message_delivered_three_times_starts_one_run(agent: RunningService, modules: ModulesStandIn) -> None:
    acme = await Organisation.founded(agent)
    chat = await Chat(acme).opened()
    await chat.says("create a project called By Message", times=3)
    await chat.says("hello")
    queued = await agent.published(RunQueued, lambda event: event.chat_id == chat.chat_id, count=2)
    assert [(event.origin, event.text, event.open_chat) for _, event in queued] == [("message", None, False)] * 2
    completed = await agent.published(RunCompleted, lambda event: event.chat_id == chat.chat_id, count=2)
    assert completed[0][1].text == "Done: I created the project “By Message”."
    assert len(modules.named("By Message")) == 1


async def test_only_a_persons_message_that_no_run_has_put_there_starts_one(agent: RunningService) -> None:
    acme = await Organisation.founded(agent)
    chat = await Chat(acme).opened()
    await chat.says("asked by a request", run_id=new_id())
    await chat.says("I am the agent", by_agent=True)
    await chat.says("hello")
    [(_, queued)] = await agent.published(RunQueued, lambda event: event.chat_id == chat.chat_id)
    await acme.ended(queued.run_id)
    run = await acme.run(queued.run_id)
    assert run["text"] == "hello"


async def test_a_message_that_comes_before_the_membership_waits_for_it(agent: RunningService) -> None:
    acme, bob = await Organisation.founded(agent), new_id()
    chat = await Chat(acme, bob).opened()
    await chat.says("hello")
    first = await Chat(acme).opened()
    await first.says("hello")
    await agent.published(RunQueued, lambda event: event.chat_id == first.chat_id)
    await acme.join(bob)
    [(_, queued)] = await agent.published(RunQueued, lambda event: event.chat_id == chat.chat_id)
    assert queued.user_id == bob


async def test_a_run_hears_what_was_said_in_its_chat(agent: RunningService) -> None:
    acme = await Organisation.founded(agent)
    chat = await Chat(acme).opened()
    await chat.says("remember me", run_id=new_id())
    await chat.says("hello")
    [(_, queued)] = await agent.published(RunQueued, lambda event: event.chat_id == chat.chat_id)
    await acme.ended(queued.run_id)
    assert (await _begun(acme, queued.run_id))["earlier_messages"] == 1


async def test_a_request_in_a_chat_is_for_its_participants(agent: RunningService) -> None:
    acme = await Organisation.founded(agent)
    chat = await Chat(acme, acme.ada.user_id).opened()

    async def taken() -> bool:
        return (await acme.act("hello", chat_id=str(chat.chat_id))).status_code == 202

    await eventually(taken)
    stranger = await acme.act("hello", chat_id=str(chat.chat_id), caller=acme.member())
    assert stranger.status_code == 403


async def test_what_others_made_is_found_until_it_is_deleted(agent: RunningService, modules: ModulesStandIn) -> None:
    acme = await Organisation.founded(agent)
    module = a_module(acme.org_id, acme.ada.user_id, name="Summer Tour")
    await agent.publish(created(module), key=module.module_id, org_id=acme.org_id, sequence=1)

    async def told(text: str) -> bool:
        run = (await acme.act("find the project summer", headers={"Prefer": "wait=30"})).json()
        return text in str(run["reply"])

    await eventually(lambda: told("- Summer Tour (planned)"))
    gone = module.model_copy(update={"deleted": True})
    await agent.publish(created(gone), key=module.module_id, org_id=acme.org_id, sequence=2)
    await eventually(lambda: told("I found no project matching “summer”."))


async def test_the_runs_of_somebody_who_was_removed_are_stopped(agent: RunningService, modules: ModulesStandIn) -> None:
    acme = await Organisation.founded(agent)
    modules.away = True
    try:
        run_id = UUID((await acme.act("create a project called Removed")).json()["run_id"])
        await eventually(lambda: _running(acme, run_id))
        await acme.leave(acme.ada.user_id)
        [(_, cancelled)] = await agent.published(RunCancelled, lambda event: event.run_id == run_id, within=2)
        assert cancelled.reason.startswith("The person who asked may no longer let agents act")
    finally:
        await modules.speak()


async def _running(acme: Organisation, run_id: UUID) -> bool:
    return bool((await acme.run(run_id))["status"] == "running")


async def _begun(acme: Organisation, run_id: UUID) -> dict[str, Any]:
    path = f"/api/v1/runs/{run_id}/journal"
    journal = (await acme.agent.http.get(path, headers=acme.agent.as_(acme.ada))).json()
    content: dict[str, Any] = journal["items"][0]["content"]
    return content
