import pytest

from chassis.testing.service import RunningService
from chassis.testing.tokens import a_caller
from contracts.modules.v1 import KindPublished
from contracts.permissions import Role
from modules.kinds import all_kinds

KINDS = "/api/v1/module-kinds"


async def test_the_kinds_are_listed_with_the_schemas_of_data_and_actions(modules: RunningService) -> None:
    listed = (await modules.http.get(KINDS, headers=modules.as_(a_caller(role=Role.VIEWER)))).json()
    assert [kind["name"] for kind in listed["items"]] == list(all_kinds())
    assert listed["next_cursor"] is None
    project = (await modules.http.get(f"{KINDS}/project", headers=modules.as_(a_caller()))).json()
    assert project == next(kind for kind in listed["items"] if kind["name"] == "project")
    assert project["data_schema"]["required"] == ["name"]
    assert project["statuses"] == ["planned", "active", "on-hold", "done"]
    start = project["actions"][0]
    assert (start["name"], start["permission"], start["possible_in"]) == ("start", "modules:write", ["planned"])
    assert start["input_schema"]["additionalProperties"] is False


@pytest.mark.parametrize("path", [KINDS, f"{KINDS}/project"])
async def test_who_has_the_kinds_is_not_sent_them_again(modules: RunningService, path: str) -> None:
    first = await modules.http.get(path, headers=modules.as_(a_caller()))
    for known in ("*", first.headers["etag"], f'"other", W/{first.headers["etag"]}'):
        again = await modules.http.get(path, headers=modules.as_(a_caller(), if_none_match=known))
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    other = await modules.http.get(path, headers=modules.as_(a_caller(), if_none_match='"other"'))
    assert (other.status_code, other.json()) == (200, first.json())


@pytest.mark.parametrize("name", ["poster", "PROJECT", "a%00b", "x" * 500])
async def test_an_unknown_kind_is_not_found(modules: RunningService, name: str) -> None:
    assert (await modules.http.get(f"{KINDS}/{name}", headers=modules.as_(a_caller()))).status_code == 404


@pytest.mark.parametrize("name", all_kinds())
async def test_each_kind_is_published_at_the_start_with_all_that_a_tool_is_made_of(
    modules: RunningService, name: str
) -> None:
    [(envelope, published), *_] = await modules.published(KindPublished, lambda event: event.kind == name)
    shown = (await modules.http.get(f"{KINDS}/{name}", headers=modules.as_(a_caller()))).json()
    assert (envelope.subject, envelope.sequence, envelope.actor) == (name, None, "system:modules")
    assert published.data_schema == shown["data_schema"]
    assert [(one.name, one.permission, one.input_schema) for one in published.actions] == [
        (one["name"], one["permission"], one["input_schema"]) for one in shown["actions"]
    ]


async def test_an_example_of_each_kind_can_be_created_as_the_document_shows_it(modules: RunningService) -> None:
    document = (await modules.http.get("/openapi.json")).json()
    body = document["paths"]["/api/v1/modules"]["post"]["requestBody"]["content"]["application/json"]
    assert set(body["examples"]) == set(all_kinds())
    for example in body["examples"].values():
        created = await modules.http.post("/api/v1/modules", json=example["value"], headers=modules.as_(a_caller()))
        assert created.status_code == 201, created.text
