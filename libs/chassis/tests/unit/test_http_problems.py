"""The table of problems: complete, unambiguous, and shown in the OpenAPI document."""

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from chassis.core.errors import Failure, Kind
from chassis.http.answers import Rendered, no_content
from chassis.http.app import create_app
from chassis.http.catalogue import page
from chassis.http.failures import FieldError, IfMatchRequired, InvalidInput, NotFound
from chassis.http.identity import Identity
from chassis.http.pages import ListQuery, Paged
from chassis.http.problems import STATUS, all_failures, problem, problems, status_of
from chassis.http.revocations import Revocations
from chassis.http.routing import Router
from chassis.http.tokens import Caller
from chassis.testing.tokens import TestKeys


class BoxIsFull(Failure):
    slug = "box-is-full"
    kind = Kind.CONFLICT
    title = "The box is full"

    @property
    def field(self) -> str:
        return "/size"


class BoxBody(BaseModel):
    size: int


def test_each_kind_has_a_status() -> None:
    assert set(STATUS) == set(Kind)


def test_slugs_are_hyphenated_and_each_belongs_to_one_failure() -> None:
    slugs = [failure.slug for failure in all_failures()]
    assert len(slugs) == len(set(slugs))
    assert all(slug.replace("-", "").isalnum() and slug.islower() for slug in slugs)
    assert {"not-found", "malformed-json", "internal-error"} <= set(slugs)


def test_the_page_lists_slug_status_and_title() -> None:
    assert "| `box-is-full` | 409 | The box is full |" in page(all_failures())


def test_a_failure_with_a_field_points_to_it() -> None:
    answer = problem(BoxIsFull(), {"path": "/boxes/ä b", "request_id": "r"})
    assert answer.status_code == 409
    assert b'"pointer":"/size","rule":"box-is-full"' in answer.body
    assert b'"instance":"/boxes/%C3%A4%20b"' in answer.body


def test_an_answer_without_a_body_has_none() -> None:
    rendered = Rendered.of(no_content())
    assert (rendered.status, rendered.body, rendered.headers) == (204, b"", {})


def test_input_errors_are_counted_in_words() -> None:
    one = FieldError("/a", "missing", "Field required")
    assert InvalidInput((one,)).detail.startswith("1 part of")
    assert InvalidInput((one, one)).detail.startswith("2 parts of")


def document() -> dict[str, Any]:
    router, identity = Router(), Identity(TestKeys(), Revocations())
    caller = Annotated[Caller, Depends(identity)]

    @router.post("/boxes", status_code=201, response_model=BoxBody, responses=problems(BoxIsFull))
    async def add(body: BoxBody, caller: caller) -> None: ...

    @router.patch("/boxes/{box_id}", response_model=BoxBody, responses=problems(NotFound, IfMatchRequired))
    async def change(box_id: int, body: BoxBody, caller: caller) -> None: ...

    @router.get("/boxes", response_model=Paged[BoxBody])
    async def boxes(query: Annotated[ListQuery, Query()]) -> None: ...

    return create_app("boxes", [router], dict, passing=lambda _: False).openapi()


def answers(operation: dict[str, Any]) -> set[str]:
    return set(operation["responses"])


def problems_of(operation: dict[str, Any], status: str) -> set[str]:
    return set(operation["responses"][status]["content"]["application/problem+json"]["examples"])


def test_the_document_shows_what_every_route_can_answer() -> None:
    paths = document()["paths"]
    add = paths["/api/v1/boxes"]["post"]
    assert answers(add) == {"201", "400", "401", "409", "413", "415", "422", "431", "500", "503"}
    assert problems_of(add, "409") == {"box-is-full", "request-still-running"}
    assert add["operationId"] == "boxes_add"
    assert add["security"] == [{"AccessToken": []}]
    assert [parameter["name"] for parameter in add["parameters"]] == ["Idempotency-Key"]
    change = paths["/api/v1/boxes/{box_id}"]["patch"]
    assert {parameter["name"] for parameter in change["parameters"]} == {"box_id", "If-Match"}
    listed = paths["/api/v1/boxes"]["get"]
    assert answers(listed) == {"200", "400", "422", "431", "500", "503"}
    assert "outbox-full" in problems_of(add, "503")
    assert "outbox-full" not in problems_of(listed, "503")


def test_every_reference_of_the_document_leads_somewhere() -> None:
    made = document()
    schemas = made["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    for reference in references(made):
        assert reference.removeprefix("#/components/schemas/") in schemas, reference


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [found for inner in part.values() for found in references(inner)]
    return [found for inner in part for found in references(inner)] if isinstance(part, list) else []


def test_a_router_that_does_not_read_json_strictly_is_refused() -> None:
    with pytest.raises(TypeError, match="Router"):
        create_app("boxes", [APIRouter()], dict, passing=lambda _: False)


def test_every_failure_has_a_status() -> None:
    assert all(400 <= status_of(failure) < 600 for failure in all_failures())
