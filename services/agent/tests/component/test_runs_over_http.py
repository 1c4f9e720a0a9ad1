import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from chassis.http.tokens import Caller
from chassis.testing.service import RunningService
from chassis.testing.tokens import a_caller
from chassis.testing.waiting import eventually
from contracts.agent.v1 import RunCancelled
from contracts.auth.v1 import AccessRevoked
from contracts.permissions import Role

from ..modules_stand_in import ModulesStandIn
from ..people import Organisation

WAIT = {"Prefer": "wait=30"}


async def test_the_journal_tells_what_the_run_did(agent: RunningService, modules: ModulesStandIn) -> None:
    acme = await Organisation.founded(agent)
    run = (await acme.act("create a project called Diary", headers=WAIT)).json()
    first = await _get(acme, f"/api/v1/runs/{run['id']}/journal?limit=3")
    rest = await _get(acme, f"/api/v1/runs/{run['id']}/journal?limit=3&cursor={first['next_cursor']}")
    steps = first["items"] + rest["items"]
    assert [(step["number"], step["kind"], step["tool"]) for step in steps] == [
        (1, "begun", None),
        (2, "model", None),
        (3, "tool", "create_project"),
        (4, "model", None),
    ]
    assert steps[2]["content"]["module"]["name"] == "Diary"
    assert rest["next_cursor"] is None


async def test_the_stream_of_a_request_tells_each_step_and_the_end(
    agent: RunningService, modules: ModulesStandIn
) -> None:
    acme = await Organisation.founded(agent)
    streamed = await acme.act("create a project called Live", headers={"Accept": "text/event-stream"})
    assert streamed.status_code == 200
    assert streamed.headers["content-type"].startswith("text/event-stream")
    frames = frames_of(streamed.text)
    assert [frame.get("id") for frame in frames] == ["1", "2", "3", "4", None]
    assert [frame["event"] for frame in frames] == ["step"] * 4 + ["completed"]
    assert frames[-1]["data"]["reply"] == "Done: I created the project “Live”."
    assert streamed.headers["location"] == f"/api/v1/runs/{frames[-1]['data']['id']}"


@pytest.mark.parametrize("seen", range(5))
async def test_a_stream_resumes_behind_the_last_step_that_was_seen(
    agent: RunningService, modules: ModulesStandIn, seen: int
) -> None:
    acme = await Organisation.founded(agent)
    run = (await acme.act("create a project called Resumed", headers=WAIT)).json()
    path, headers = f"/api/v1/runs/{run['id']}/events", acme.agent.as_(acme.ada, last_event_id=str(seen))
    frames = frames_of((await agent.http.get(path, headers=headers)).text)
    assert [frame.get("id") for frame in frames] == [*(str(number) for number in range(seen + 1, 5)), None]


async def test_a_stream_ends_with_the_token_though_the_run_goes_on(
    agent: RunningService, modules: ModulesStandIn
) -> None:
    acme = await Organisation.founded(agent)
    modules.away = True
    try:
        run_id = (await acme.act("create a project called Briefly")).json()["run_id"]
        brief = a_caller(acme.ada.user_id, acme.org_id, lifetime=timedelta(seconds=2))
        async with asyncio.timeout(5):
            streamed = await agent.http.get(f"/api/v1/runs/{run_id}/events", headers=agent.as_(brief))
        assert {frame["event"] for frame in frames_of(streamed.text)} <= {"step"}
    finally:
        await modules.speak()


async def test_a_stream_ends_when_its_token_is_revoked(agent: RunningService, modules: ModulesStandIn) -> None:
    acme = await Organisation.founded(agent)
    modules.away = True
    try:
        run_id = (await acme.act("create a project called Revoked")).json()["run_id"]
        path = f"/api/v1/runs/{run_id}/events"
        streaming = asyncio.create_task(agent.http.get(path, headers=agent.as_(acme.ada)))
        await eventually(lambda: _sent(modules, run_id))
        assert not streaming.done()
        revoked = AccessRevoked(session=acme.ada.session_id, not_before=datetime.now(UTC), reason="signed-out")
        await agent.publish(revoked, key=acme.ada.session_id, org_id=None)
        async with asyncio.timeout(2):
            assert (await streaming).status_code == 200
        assert (await agent.http.get(path, headers=agent.as_(acme.ada))).status_code == 401
    finally:
        await modules.speak()


@pytest.mark.parametrize("seen", ["x", "-1", "99999999999999999999", ""])
async def test_a_last_event_id_that_is_none_is_refused(agent: RunningService, seen: str) -> None:
    acme = await Organisation.founded(agent)
    run_id = (await acme.act("hello")).json()["run_id"]
    path, headers = f"/api/v1/runs/{run_id}/events", acme.agent.as_(acme.ada, last_event_id=seen)
    assert (await agent.http.get(path, headers=headers)).status_code == 422


async def test_a_cancelled_run_stays_cancelled_and_says_that_its_order_may_stand(
    agent: RunningService, modules: ModulesStandIn
) -> None:
    acme = await Organisation.founded(agent)
    modules.away = True
    run_id = (await acme.act("create a project called Halted")).json()["run_id"]
    await eventually(lambda: _sent(modules, run_id))
    cancelled = await _cancel(acme, run_id, acme.ada)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert cancelled.json()["reason"].endswith("What it had begun at that moment may still take effect.")
    await modules.speak()
    again = await _cancel(acme, run_id, acme.ada)
    assert (again.status_code, again.json()["type"]) == (409, "urn:stoa:problem:run-has-ended")
    [(envelope, _)] = await agent.published(RunCancelled, lambda event: str(event.run_id) == run_id)
    assert (await acme.run(run_id))["status"] == "cancelled"
    assert envelope.actor == f"user:{acme.ada.user_id}"


async def test_the_worker_stops_within_two_seconds_of_a_cancellation(
    agent: RunningService, modules: ModulesStandIn
) -> None:
    acme = await Organisation.founded(agent)
    modules.away = True
    try:
        run_id = (await acme.act("create a project called Stopped")).json()["run_id"]
        await eventually(lambda: _sent(modules, run_id))
        await _cancel(acme, run_id, acme.ada)
        await eventually(lambda: _idle(agent), within=2)
    finally:
        await modules.speak()


async def test_a_run_may_be_seen_and_stopped_by_its_asker_and_by_admins(
    agent: RunningService, modules: ModulesStandIn
) -> None:
    acme = await Organisation.founded(agent)
    run_id = (await acme.act("hello", headers=WAIT)).json()["id"]
    for suffix in ("", "/journal", "/events"):
        path = f"/api/v1/runs/{run_id}{suffix}"
        callers = (acme.ada, acme.member(Role.ADMIN), acme.member(), (await Organisation.founded(agent)).ada)
        answers = [await agent.http.get(path, headers=agent.as_(caller)) for caller in callers]
        assert [answer.status_code for answer in answers] == [200, 200, 403, 404]
    others = (acme.member(), (await Organisation.founded(agent)).ada, acme.member(Role.ADMIN))
    cancelled = [(await _cancel(acme, run_id, caller)).status_code for caller in others]
    assert cancelled == [403, 404, 409]


@pytest.mark.parametrize("run_id", ["019ab000-0000-7000-8000-000000000000", "7", "%00"])
async def test_a_run_that_there_is_not_is_not_found(agent: RunningService, run_id: str) -> None:
    acme = await Organisation.founded(agent)
    for suffix in ("", "/journal", "/events"):
        answer = await agent.http.get(f"/api/v1/runs/{run_id}{suffix}", headers=agent.as_(acme.ada))
        assert answer.status_code == 404
    assert (await _cancel(acme, run_id, acme.ada)).status_code == 404


async def test_i_see_my_runs_and_an_admin_all_of_them(agent: RunningService) -> None:
    acme = await Organisation.founded(agent)
    bob = acme.member()
    mine = [(await acme.act("hello")).json()["run_id"] for _ in range(3)]
    his = (await acme.act("hello", caller=bob)).json()["run_id"]
    first = await _get(acme, "/api/v1/runs?limit=2")
    rest = await _get(acme, f"/api/v1/runs?limit=2&cursor={first['next_cursor']}")
    assert [run["id"] for run in first["items"] + rest["items"]] == mine[::-1]
    everyone = await _get(acme, "/api/v1/runs", acme.member(Role.ADMIN))
    assert [run["id"] for run in everyone["items"]] == [his, *mine[::-1]]


async def _sent(modules: ModulesStandIn, run_id: str) -> bool:
    return any(str(effect.run_id) == run_id for effect in modules.effects)


async def _idle(agent: RunningService) -> bool:
    checks = (await agent.http.get("/health/ready")).json()["checks"]
    return str(checks["agent.runs"]["line"]).startswith("0 of")


async def _cancel(acme: Organisation, run_id: str, caller: Caller) -> httpx.Response:
    return await acme.agent.http.post(f"/api/v1/runs/{run_id}/cancel", headers=acme.agent.as_(caller))


async def _get(acme: Organisation, path: str, caller: Caller | None = None) -> dict[str, Any]:
    answer = await acme.agent.http.get(path, headers=acme.agent.as_(caller or acme.ada))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def frames_of(text: str) -> list[dict[str, Any]]:
    """The events of a stream, comments and `retry` left out."""
    frames = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            frames.append(fields | {"data": json.loads(fields["data"])})
    return frames
