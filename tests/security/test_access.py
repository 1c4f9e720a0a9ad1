"""Every route against every sort of caller, as `matrix.txt` has it."""

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tools import tree

from .matrix import CALLERS, TABLE, BadTable, Row, gaps, read, routes
from .situations import SITUATIONS
from .world import Answer, Given, World

ROWS = read(TABLE.read_text())
WITH_IDS = [row for row in ROWS if "{" in row.path]
OF_TENANTS = [row for row in WITH_IDS if not row.for_operators]


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_caller_gets_what_the_matrix_says(world: World, row: Row, caller: str) -> None:
    answer = world.call(caller, row, SITUATIONS[row.situation](world))
    assert answer.status == row.expected[caller], answer.body
    if answer.status >= 400:
        assert_is_problem(answer)
    if caller in ("foreign", "operator"):
        assert str(world.organisation.id) not in answer.body
        assert not [person.email for person in world.people[:3] if person.email in answer.body]


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("row", WITH_IDS, ids=str)
def test_what_is_not_there_is_not_found_before_anything_else(world: World, row: Row, caller: str) -> None:
    answer = world.call(caller, row, unknown(row))
    if caller == "nobody" and row.expected["nobody"] == 401:
        assert answer.status == 401, answer.body
    elif row.for_operators and caller != "operator":
        assert answer.status == 403, answer.body
    else:
        assert answer.status == 404, answer.body


@pytest.mark.parametrize("stranger", ["foreign", "operator"])
@pytest.mark.parametrize("row", OF_TENANTS, ids=str)
def test_another_organisations_object_looks_like_none(world: World, row: Row, stranger: str) -> None:
    there, nowhere = (world.call(stranger, row, given) for given in (SITUATIONS[row.situation](world), unknown(row)))
    if row.expected[stranger] == 404:
        assert json.loads(there.body)["type"] == json.loads(nowhere.body)["type"]
        assert json.loads(there.body)["title"] == json.loads(nowhere.body)["title"]


def test_the_matrix_has_every_route_and_no_other(world: World) -> None:
    assert "x-missing" not in world.document["info"]
    assert gaps(ROWS, world.document) == []


def test_every_situation_is_used_and_known() -> None:
    assert {row.situation for row in ROWS} == SITUATIONS.keys()


def test_no_route_of_a_service_is_kept_out_of_the_document(checkout: Path) -> None:
    sources = [path for path in tree.python_files(checkout) if not tree.is_test(path, checkout)]
    hiding = [
        path.name
        for path in sources
        if re.search(r"(?<!Header\()include_in_schema|add_route|\.mount\(", path.read_text())
    ]
    assert hiding == ["health_routes.py"]


def test_a_planted_route_is_missed_in_the_matrix(world: World) -> None:
    planted = {**world.document, "paths": {**world.document["paths"], "/api/v1/secrets/{id}": {"get": {}}}}
    assert gaps(ROWS, planted) == ["GET /api/v1/secrets/{id} is not in the matrix"]


def test_a_planted_line_is_missed_in_the_document(world: World) -> None:
    planted = read("PUT /api/v1/secrets plain 200 200 200 200 401 200")
    assert gaps([*ROWS, *planted], world.document) == ["PUT /api/v1/secrets is no route"]


@pytest.mark.parametrize("line", ["GET /api/v1/chats 200", "GET /api/v1/chats plain 200 200 200 200 401 no"])
def test_a_line_that_says_too_little_is_refused(line: str) -> None:
    with pytest.raises(BadTable):
        read(line)


def test_only_methods_are_routes() -> None:
    document: dict[str, Any] = {"paths": {"/api/v1/chats": {"get": {}, "parameters": []}}}
    assert routes(document) == {("GET", "/api/v1/chats")}


def unknown(row: Row) -> Given:
    """Ids that name nothing, and are words at once, with an If-Match that would do."""
    ids = {name: f"a{str(uuid4())[1:]}" for name in re.findall(r"{(\w+)}", row.path)}
    return Given(ids, headers={"If-Match": '"1"'})


def assert_is_problem(answer: Answer) -> None:
    """Problem details with an id to name in a report, and nothing of the inside."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem["status"] == answer.status
    assert problem["type"].startswith("urn:stoa:problem:")
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert not [word for word in ("Traceback", "sqlalchemy", "SELECT ") if word in answer.body]
