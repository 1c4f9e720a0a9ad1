from typing import Any
from uuid import UUID

import pytest

from chassis.core import new_id
from chassis.http.tokens import Caller
from chassis.testing.service import RunningService
from chassis.testing.tokens import a_caller
from contracts.modules.v1 import ActionApplied, ModuleChanged, ModuleCreated, ModuleDeleted
from contracts.permissions import Role

MODULES = "/api/v1/modules"


async def test_a_module_that_was_created_can_be_read(modules: RunningService) -> None:
    caller = a_caller()
    created = await _post(modules, caller, MODULES, {"kind": "project", "data": {"name": " Summer Tour "}})
    assert created.status_code == 201
    module = created.json()
    assert (module["name"], module["status"], module["revision"]) == ("Summer Tour", "planned", 1)
    assert module["owner_id"] == str(caller.user_id)
    assert module["data"] == {"name": "Summer Tour", "client": None, "configuration": {}}
    read = await modules.http.get(created.headers["location"], headers=modules.as_(caller))
    assert read.json() == module
    assert read.headers["etag"] == created.headers["etag"] == '"1"'


async def test_each_change_is_published_in_order_with_the_state_after_it(modules: RunningService) -> None:
    caller = a_caller()
    path = await _create(modules, caller)
    await _patch(modules, caller, path, {"name": "Winter Tour"}, 1)
    await _post(modules, caller, f"{path}/actions/start", {}, if_match='"2"')
    await modules.http.delete(path, headers=modules.as_(caller, if_match='"3"'))
    module_id = UUID(path.rpartition("/")[2])
    found = [
        (await modules.published(kind, lambda event: event.module_id == module_id))[0]
        for kind in (ModuleCreated, ModuleChanged, ActionApplied, ModuleDeleted)
    ]
    assert [envelope.sequence for envelope, _ in found] == [1, 2, 3, 4]
    assert [event.state.revision for _, event in found] == [1, 2, 3, 4]
    states = [(event.state.name, event.state.status, event.state.deleted) for _, event in found]
    assert states[1:] == [
        ("Winter Tour", "planned", False),
        ("Winter Tour", "active", False),
        ("Winter Tour", "active", True),
    ]
    assert {(envelope.audience, envelope.actor) for envelope, _ in found} == {("org", f"user:{caller.user_id}")}
    assert {event.tool_call for _, event in found} == {None}


async def test_a_merge_patch_changes_what_it_names_and_null_removes(modules: RunningService) -> None:
    caller = a_caller()
    data = {"name": "Tour", "client": "Alte Oper", "configuration": {"currency": "EUR", "language": "de"}}
    path = await _create(modules, caller, "project", data)
    changed = await _patch(
        modules, caller, path, {"client": None, "configuration": {"language": None, "stage": "B"}}, 1
    )
    assert changed.status_code == 200
    assert changed.headers["etag"] == '"2"'
    assert changed.json()["data"] == {
        "name": "Tour",
        "client": None,
        "configuration": {"currency": "EUR", "stage": "B"},
    }


async def test_a_patch_that_changes_nothing_makes_no_version(modules: RunningService) -> None:
    caller = a_caller()
    path = await _create(modules, caller)
    same = await _patch(modules, caller, path, {"name": "Summer Tour"}, 1)
    assert (same.status_code, same.headers["etag"]) == (200, '"1"')
    assert len(await _all_pages(modules, caller, f"{path}/versions")) == 1


@pytest.mark.parametrize(("method", "suffix"), [("PATCH", ""), ("DELETE", ""), ("POST", "/actions/start")])
async def test_a_change_needs_the_revision_that_was_read(modules: RunningService, method: str, suffix: str) -> None:
    caller = a_caller()
    path = await _create(modules, caller)
    json = {"PATCH": {"data": {"name": "X"}}, "POST": {}, "DELETE": None}[method]
    statuses = []
    for etag in ({}, {"if_match": "1"}, {"if_match": "*"}, {"if_match": '"7"'}, {"if_match": '"1"'}):
        answer = await modules.http.request(method, path + suffix, json=json, headers=modules.as_(caller, **etag))
        statuses.append(answer.status_code)
    assert statuses == [428, 400, 400, 412, 204 if method == "DELETE" else 200]


async def test_an_action_that_a_rule_stands_against_names_the_rule(modules: RunningService) -> None:
    caller = a_caller()
    path = await _create(modules, caller, "document", {"title": "Plan"})
    refused = await _post(modules, caller, f"{path}/actions/publish", {}, if_match='"1"')
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:stoa:problem:rule-broken")
    assert "published-documents-have-a-text" in refused.json()["detail"]
    unknown = await _post(modules, caller, f"{path}/actions/start", {}, if_match='"1"')
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:stoa:problem:module-action-not-found")


async def test_an_action_takes_its_input(modules: RunningService) -> None:
    caller = a_caller()
    path = await _create(modules, caller, "document", {"title": "Plan", "tags": ["a"]})
    tagged = await _post(modules, caller, f"{path}/actions/tag", {"input": {"add": ["b"]}}, if_match='"1"')
    assert tagged.json()["data"]["tags"] == ["a", "b"]
    bad = await _post(modules, caller, f"{path}/actions/tag", {"input": {"add": "b"}}, if_match='"2"')
    assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (422, "/input/add")


async def test_an_action_cannot_make_data_that_its_kind_forbids(modules: RunningService) -> None:
    caller = a_caller()
    path = await _create(modules, caller, "document", {"title": "Plan", "tags": [f"tag {n}" for n in range(50)]})
    refused = await _post(modules, caller, f"{path}/actions/tag", {"input": {"add": ["more"]}}, if_match='"1"')
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/data/tags")
    assert len(await _all_pages(modules, caller, f"{path}/versions")) == 1


async def test_the_history_tells_who_did_what_and_how_it_was_then(modules: RunningService) -> None:
    caller = a_caller()
    colleague = a_caller(org_id=caller.org_id)
    path = await _create(modules, caller)
    await _patch(modules, colleague, path, {"client": "Alte Oper"}, 1)
    await _post(modules, caller, f"{path}/actions/start", {}, if_match='"2"')
    versions = await _all_pages(modules, caller, f"{path}/versions?limit=2")
    told = [(one["revision"], one["change"], one["action"], one["fields"], one["status"]) for one in versions]
    assert told == [
        (3, "action-applied", "start", [], "active"),
        (2, "changed", None, ["client"], "planned"),
        (1, "created", None, ["name", "client", "configuration"], "planned"),
    ]
    assert [one["data"]["client"] for one in versions] == ["Alte Oper", "Alte Oper", None]
    assert versions[1]["author"] == {
        "user_id": str(colleague.user_id),
        "agent_id": None,
        "agent_version": None,
        "run_id": None,
        "tool_call": None,
    }


async def test_a_deleted_module_is_not_found_and_its_history_says_who_deleted_it(modules: RunningService) -> None:
    caller = a_caller()
    path = await _create(modules, caller)
    deleted = await modules.http.delete(path, headers=modules.as_(caller, if_match='"1"'))
    assert (deleted.status_code, deleted.content) == (204, b"")
    answers = [
        await modules.http.get(path, headers=modules.as_(caller)),
        await _patch(modules, caller, path, {"name": "X"}, 2),
        await _post(modules, caller, f"{path}/actions/start", {}, if_match='"2"'),
        await modules.http.delete(path, headers=modules.as_(caller, if_match='"2"')),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert await _all_pages(modules, caller, MODULES) == []
    newest = (await _all_pages(modules, caller, f"{path}/versions"))[0]
    assert (newest["change"], newest["author"]["user_id"]) == ("deleted", str(caller.user_id))


async def test_modules_are_listed_newest_first_page_by_page_and_by_filter(modules: RunningService) -> None:
    caller = a_caller()
    colleague = a_caller(org_id=caller.org_id)
    paths = [await _create(modules, whose) for whose in (caller, colleague, caller)]
    paths.append(await _create(modules, caller, "document", {"title": "Plan"}))
    await _post(modules, caller, f"{paths[0]}/actions/start", {}, if_match='"1"')
    ids = [path.rpartition("/")[2] for path in paths]
    for query, wanted in {
        "limit=3": ids[::-1],
        "limit=1&kind=project": [ids[2], ids[1], ids[0]],
        "kind=project&status=planned": [ids[2], ids[1]],
        f"owner={colleague.user_id}": [ids[1]],
        "kind=poster": [],
    }.items():
        listed = await _all_pages(modules, caller, f"{MODULES}?{query}")
        assert [module["id"] for module in listed] == wanted
        assert all("data" not in module for module in listed)


async def test_a_module_of_another_organisation_does_not_exist(modules: RunningService) -> None:
    caller = a_caller()
    path = await _create(modules, caller)
    elsewhere = a_caller(user_id=caller.user_id, role=Role.ADMIN)
    answers = [
        await modules.http.get(path, headers=modules.as_(elsewhere)),
        await modules.http.get(f"{path}/versions", headers=modules.as_(elsewhere)),
        await _patch(modules, elsewhere, path, {"name": "X"}, 1),
        await _post(modules, elsewhere, f"{path}/actions/start", {}, if_match='"1"'),
        await modules.http.delete(path, headers=modules.as_(elsewhere, if_match='"1"')),
    ]
    assert {(answer.status_code, answer.json()["type"]) for answer in answers} == {
        (404, "urn:stoa:problem:module-not-found")
    }
    assert await _all_pages(modules, elsewhere, MODULES) == []


async def test_a_viewer_may_read_but_change_nothing(modules: RunningService) -> None:
    caller = a_caller()
    path = await _create(modules, caller)
    viewer = a_caller(user_id=caller.user_id, org_id=caller.org_id, role=Role.VIEWER)
    reads = [await modules.http.get(where, headers=modules.as_(viewer)) for where in (path, f"{path}/versions")]
    writes = [
        await _post(modules, viewer, MODULES, {"kind": "project", "data": {"name": "Mine"}}),
        await _patch(modules, viewer, path, {"name": "Mine"}, 1),
        await _post(modules, viewer, f"{path}/actions/start", {}, if_match='"1"'),
        await modules.http.delete(path, headers=modules.as_(viewer, if_match='"1"')),
    ]
    assert [answer.status_code for answer in reads + writes] == [200, 200, 403, 403, 403, 403]
    missing = await _patch(modules, viewer, f"{MODULES}/{new_id()}", {"name": "Mine"}, 1)
    assert missing.status_code == 404


async def test_the_same_key_creates_one_module(modules: RunningService) -> None:
    caller = a_caller()
    body = {"kind": "project", "data": {"name": "Summer Tour"}}
    answers = [await _post(modules, caller, MODULES, body, idempotency_key="k-1") for _ in range(2)]
    other = await _post(modules, caller, MODULES, {**body, "data": {"name": "Other"}}, idempotency_key="k-1")
    assert answers[0].json() == answers[1].json()
    assert other.status_code == 422
    assert len(await _all_pages(modules, caller, MODULES)) == 1


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/kind", "/data"]),
        ({"kind": "poster", "data": {}}, ["/kind"]),
        ({"kind": "../etc", "data": {}}, ["/kind"]),
        ({"kind": "project", "data": []}, ["/data"]),
        ({"kind": "project", "data": {"name": "Tour", "owner_id": "me"}}, ["/data/owner_id"]),
        ({"kind": "project", "data": {"name": 7, "client": ["x"]}}, ["/data/name", "/data/client"]),
        ({"kind": "project", "data": {"name": "Tour"}, "org_id": "mine"}, ["/org_id"]),
        ({"kind": "project", "data": {"name": "Tour"}, "status": "done"}, ["/status"]),
        ({"kind": "document", "data": {"title": "Plan", "body": "€" * 99_000}}, ["/data"]),
    ],
)
async def test_bad_input_names_its_fields(modules: RunningService, body: dict[str, Any], pointers: list[str]) -> None:
    refused = await _post(modules, a_caller(), MODULES, body)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == pointers


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"{", 400), (b'{"kind":"project","data":{"name":"\\ud800"}}', 400), (b"[]", 422), (b"x" * 2_097_152, 413)],
)
async def test_a_body_that_is_no_order_is_refused(modules: RunningService, content: bytes, status: int) -> None:
    headers = modules.as_(a_caller(), content_type="application/json")
    refused = await modules.http.post(MODULES, content=content, headers=headers)
    assert refused.status_code == status


@pytest.mark.parametrize("query", ["kind=A%20B", "owner=me", "limit=0", "limit=201", "colour=red"])
async def test_a_list_that_cannot_be_meant_is_refused(modules: RunningService, query: str) -> None:
    refused = await modules.http.get(f"{MODULES}?{query}", headers=modules.as_(a_caller()))
    assert refused.status_code == 422


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_without_a_token_nothing_is_told(modules: RunningService, method: str) -> None:
    path = MODULES if method == "POST" else f"{MODULES}/{new_id()}"
    assert (await modules.http.request(method, path)).status_code == 401


async def _create(
    modules: RunningService, caller: Caller, kind: str = "project", data: dict[str, Any] | None = None
) -> str:
    """Creates a module and answers its path."""
    created = await _post(modules, caller, MODULES, {"kind": kind, "data": data or {"name": "Summer Tour"}})
    assert created.status_code == 201, created.text
    return str(created.headers["location"])


async def _post(modules: RunningService, caller: Caller, path: str, body: Any, **headers: str) -> Any:
    return await modules.http.post(path, json=body, headers=modules.as_(caller, **headers))


async def _patch(modules: RunningService, caller: Caller, path: str, data: dict[str, Any], revision: int) -> Any:
    headers = modules.as_(caller, if_match=f'"{revision}"', content_type="application/merge-patch+json")
    return await modules.http.patch(path, json={"data": data}, headers=headers)


async def _all_pages(modules: RunningService, caller: Caller, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        separator = "&" if "?" in path else "?"
        where = f"{path}{separator}cursor={cursor}" if cursor else path
        page = (await modules.http.get(where, headers=modules.as_(caller))).json()
        items += page["items"]
        cursor = page["next_cursor"]
    return items
