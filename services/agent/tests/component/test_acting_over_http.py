from typing import Any
from uuid import UUID

import pytest

from chassis.core import new_id
from chassis.testing.service import RunningService
from chassis.testing.tokens import a_caller
from contracts.agent.v1 import RunCompleted, RunQueued, RunStarted
from contracts.permissions import Role

from ..modules_stand_in import ModulesStandIn
from ..people import Organisation


async def test_a_request_starts_a_run_that_creates_a_project_and_replies(
    agent: RunningService, modules: ModulesStandIn
) -> None:
    acme = await Organisation.founded(agent)
    asked = await acme.act("create a project called Summer Tour")
    assert asked.status_code == 202
    run_id = asked.json()["run_id"]
    assert asked.headers["location"] == f"/api/v1/runs/{run_id}"
    run = await acme.ended(run_id)
    assert (run["status"], run["reply"]) == ("completed", "Done: I created the project “Summer Tour”.")
    [effect] = [one for one in modules.effects if str(one.run_id) == run_id]
    assert (effect.action, effect.kind, effect.input) == ("create", "project", {"name": "Summer Tour"})
    assert modules.actors[effect.command_id] == f"user:{acme.ada.user_id};agent:{acme.assistant}@1;run:{run_id}"


async def test_what_a_run_goes_through_is_published_in_order(agent: RunningService, modules: ModulesStandIn) -> None:
    acme = await Organisation.founded(agent)
    asked = (await acme.act("create a project called Spring")).json()
    run_id = UUID(asked["run_id"])
    [(third, completed)] = await agent.published(RunCompleted, lambda event: event.run_id == run_id)
    [(first, queued)] = await agent.published(RunQueued, lambda event: event.run_id == run_id)
    [(second, _)] = await agent.published(RunStarted, lambda event: event.run_id == run_id)
    assert [envelope.sequence for envelope in (first, second, third)] == [1, 2, 3]
    assert (queued.open_chat, queued.text, queued.origin) == (True, "create a project called Spring", "act")
    assert completed.chat_id == UUID(asked["chat_id"])
    assert first.actor == f"user:{acme.ada.user_id}"
    assert third.actor == f"user:{acme.ada.user_id};agent:{acme.assistant}@1;run:{run_id}"
    assert {one.correlation_id for one in (first, second, third)} == {first.correlation_id}


async def test_who_prefers_to_wait_gets_the_run_when_it_has_ended(
    agent: RunningService, modules: ModulesStandIn
) -> None:
    acme = await Organisation.founded(agent)
    waited = await acme.act("create a project called Autumn", headers={"Prefer": "wait=30"})
    assert (waited.status_code, waited.json()["status"]) == (200, "completed")
    assert waited.headers["preference-applied"] == "wait=30"
    assert waited.headers["location"] == f"/api/v1/runs/{waited.json()['id']}"


async def test_who_waits_in_vain_gets_the_run_that_goes_on(agent: RunningService, modules: ModulesStandIn) -> None:
    acme = await Organisation.founded(agent)
    modules.away = True
    try:
        waited = await acme.act("create a project called Winter", headers={"Prefer": "wait=1"})
        assert waited.status_code == 202
    finally:
        await modules.speak()
    assert (await acme.ended(waited.json()["run_id"]))["status"] == "completed"


async def test_a_refusal_of_the_owner_is_what_the_agent_says(agent: RunningService, modules: ModulesStandIn) -> None:
    acme = await Organisation.founded(agent)
    run = (await acme.act("create a project called refused thing", headers={"Prefer": "wait=30"})).json()
    assert (run["status"], run["reply"]) == (
        "completed",
        "I could not create the project “refused thing”: Your role may only read modules.",
    )
    assert not modules.named("refused thing")


async def test_the_same_key_starts_one_run(agent: RunningService, modules: ModulesStandIn) -> None:
    acme = await Organisation.founded(agent)
    key = {"Idempotency-Key": "act-1"}
    first = await acme.act("create a project called Once", headers=key)
    again = await acme.act("create a project called Once", headers=key)
    waited = await acme.act("create a project called Once", headers={**key, "Prefer": "wait=30"})
    other = await acme.act("create a project called Twice", headers=key)
    assert (first.json(), first.status_code) == (again.json(), again.status_code)
    assert again.headers["idempotency-replayed"] == waited.headers["idempotency-replayed"] == "true"
    assert (waited.json()["id"], waited.json()["status"]) == (first.json()["run_id"], "completed")
    assert other.status_code == 422
    assert len(modules.named("Once")) == 1
    assert len(await _runs(acme)) == 1


async def test_a_viewer_may_not_let_an_agent_act(agent: RunningService) -> None:
    acme = await Organisation.founded(agent)
    refused = await acme.act("create a project called Mine", caller=acme.member(Role.VIEWER))
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:stoa:problem:may-not-act")
    assert await _runs(acme, role=Role.ADMIN) == []


async def test_a_chat_that_is_not_known_is_not_found_and_one_of_others_is_closed(agent: RunningService) -> None:
    acme = await Organisation.founded(agent)
    unknown = await acme.act("hello", chat_id=str(new_id()))
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:stoa:problem:chat-not-found")
    mine = (await acme.act("hello")).json()["chat_id"]
    closed = await acme.act("hello", chat_id=mine, caller=acme.member(Role.ADMIN))
    assert (closed.status_code, closed.json()["type"]) == (403, "urn:stoa:problem:not-a-participant")
    elsewhere = await Organisation.founded(agent)
    foreign = await elsewhere.act("hello", chat_id=mine)
    assert foreign.status_code == 404


async def test_the_chat_of_a_first_request_takes_a_second_one_at_once(agent: RunningService) -> None:
    acme = await Organisation.founded(agent)
    chat_id = (await acme.act("hello")).json()["chat_id"]
    second = await acme.act("hello again", chat_id=chat_id)
    assert (second.status_code, second.json()["chat_id"]) == (202, chat_id)
    [(_, queued)] = await agent.published(RunQueued, lambda event: event.run_id == UUID(second.json()["run_id"]))
    assert not queued.open_chat


async def test_runs_of_a_chat_take_turns_unless_the_request_will_not_wait(
    agent: RunningService, modules: ModulesStandIn
) -> None:
    acme = await Organisation.founded(agent)
    modules.away = True
    first = (await acme.act("create a project called First")).json()
    second = (await acme.act("create a project called Second", chat_id=first["chat_id"])).json()
    refused = await acme.act("create a project called Third", chat_id=first["chat_id"], on_busy="reject")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:stoa:problem:chat-is-busy")
    assert (await acme.run(second["run_id"]))["status"] == "queued"
    await modules.speak()
    ended = [await acme.ended(one["run_id"]) for one in (first, second)]
    assert [run["status"] for run in ended] == ["completed", "completed"]
    assert ended[0]["ended_at"] <= ended[1]["started_at"]
    idle = await acme.act("hello", chat_id=first["chat_id"], on_busy="reject")
    assert idle.status_code == 202


async def test_an_unknown_agent_is_refused(agent: RunningService) -> None:
    acme, other = await Organisation.founded(agent), await Organisation.founded(agent)
    for agent_id in (new_id(), other.assistant):
        refused = await acme.act("hello", agent_id=str(agent_id))
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:stoa:problem:agent-unknown")


async def test_a_new_organisation_without_its_assistant_is_asked_to_come_again(agent: RunningService) -> None:
    nobody = a_caller()
    early = await agent.http.post("/api/v1/agent/act", json={"message": "hello"}, headers=agent.as_(nobody))
    assert (early.status_code, early.json()["type"]) == (503, "urn:stoa:problem:no-agent-yet")
    assert "retry-after" in early.headers


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/message"),
        ({"message": ""}, "/message"),
        ({"message": " \n"}, "/message"),
        ({"message": "x" * 20_001}, "/message"),
        ({"message": 7}, "/message"),
        ({"message": "a\0b"}, "/message"),
        ({"message": "hi", "chat_id": "mine"}, "/chat_id"),
        ({"message": "hi", "agent_id": 7}, "/agent_id"),
        ({"message": "hi", "on_busy": "interrupt"}, "/on_busy"),
        ({"message": "hi", "user_id": str(new_id())}, "/user_id"),
    ],
)
async def test_bad_input_names_its_field(agent: RunningService, body: dict[str, Any], pointer: str) -> None:
    refused = await agent.http.post("/api/v1/agent/act", json=body, headers=agent.as_(a_caller()))
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


async def test_broken_json_and_missing_tokens_are_refused(agent: RunningService) -> None:
    broken = await agent.http.post(
        "/api/v1/agent/act", content=b"{", headers={**agent.as_(a_caller()), "Content-Type": "application/json"}
    )
    nobody = await agent.http.post("/api/v1/agent/act", json={"message": "hi"})
    assert (broken.status_code, nobody.status_code) == (400, 401)


async def _runs(acme: Organisation, *, role: Role = Role.EDITOR) -> list[dict[str, Any]]:
    caller = acme.ada if role is Role.EDITOR else acme.member(role)
    answer = await acme.agent.http.get("/api/v1/runs", headers=acme.agent.as_(caller))
    items: list[dict[str, Any]] = answer.json()["items"]
    return items
