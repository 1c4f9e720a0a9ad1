"""Every error answer of an app is a problem, with the right status, and tells nothing of the inside."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from starlette.types import Message
from structlog.testing import capture_logs

from chassis.health import Health
from chassis.http.app import create_app
from chassis.http.routing import MAX_DEPTH, Router
from chassis.testing.client import client_of


class NoteBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: Annotated[str, Field(min_length=1, max_length=20)]
    tags: list[Any] = []


class ConnectionAway(Exception):
    pass


def _router() -> Router:
    router = Router()

    @router.post("/notes")
    async def add(body: NoteBody) -> Response:
        return Response(body.model_dump_json(), media_type="application/json")

    @router.get("/notes/{note_id}")
    async def get(note_id: UUID, depth: Annotated[int, Query(ge=1)] = 1) -> Response:
        return Response(str(note_id))

    @router.post("/raw")
    async def raw(request: Request) -> Response:
        return Response(await request.body())

    @router.get("/bug")
    async def bug() -> Response:
        raise RuntimeError("secret inside")

    @router.get("/away")
    async def away() -> Response:
        raise ConnectionAway

    return router


@pytest.fixture
def app() -> FastAPI:
    checks = {"database": Health.healthy()}
    return create_app("notes", [_router()], lambda: checks, passing=lambda error: isinstance(error, ConnectionAway))


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


def slug(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["x-request-id"]
    return str(body["type"]).removeprefix("urn:stoa:problem:")


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff\xfe", b'{"title": NaN}', b'{"title": "\\ud800"}', b"", b'{"title": "a"} x', b'{"title": "\x01"}'],
)
async def test_a_body_that_is_no_json_is_malformed(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/api/v1/notes", content=body or b" ", headers=JSON)
    assert (answer.status_code, slug(answer)) == (400, "malformed-json")


@pytest.mark.parametrize(
    ("body", "pointer", "rule"),
    [
        ({"title": "a", "other": 1}, "/other", "extra-forbidden"),
        ({"title": 1}, "/title", "string-type"),
        ({"title": "x" * 21}, "/title", "string-too-long"),
        ({}, "/title", "missing"),
        ([], "", "model-attributes-type"),
        ({"title": "a\0b"}, "/title", "nul-character"),
        ({"title": "a", "tags": [{"a/b": ["\0"]}]}, "/tags/0/a~1b/0", "nul-character"),
        ({"title": "a", "tags": ["x"] * 20_001}, "", "too-many-values"),
    ],
)
async def test_wrong_fields_are_named_with_their_rule(
    client: httpx.AsyncClient, body: Any, pointer: str, rule: str
) -> None:
    answer = await client.post("/api/v1/notes", json=body)
    assert (answer.status_code, slug(answer)) == (422, "invalid-input")
    assert [(error["pointer"], error["rule"]) for error in answer.json()["errors"]] == [(pointer, rule)]


async def test_an_error_never_repeats_the_value(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/notes", json={"title": "hunter2" * 10})
    assert "hunter2" not in answer.text


async def test_a_missing_body_is_a_missing_field(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/notes")
    assert (answer.status_code, slug(answer)) == (422, "invalid-input")


async def test_json_may_nest_to_the_limit_and_no_deeper(client: httpx.AsyncClient) -> None:
    within, beyond = ('{"title": "a", "tags": ' + "[" * n + "]" * n + "}" for n in (MAX_DEPTH - 1, MAX_DEPTH))
    assert (await client.post("/api/v1/notes", content=within, headers=JSON)).status_code == 200
    answer = await client.post("/api/v1/notes", content=beyond, headers=JSON)
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, "too-deep")
    answer = await client.post("/api/v1/notes", content="[" * 500_000, headers=JSON)
    assert answer.status_code == 400


async def test_another_media_type_is_refused(client: httpx.AsyncClient) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = await client.post("/api/v1/notes", content=b'{"title":"a"}', headers={"content-type": media_type})
        assert (answer.status_code, slug(answer)) == (415, "unsupported-media-type")


async def test_a_body_over_the_limit_is_refused_with_or_without_a_length(client: httpx.AsyncClient) -> None:
    big = b'{"title": "' + b"x" * 1_100_000 + b'"}'
    answer = await client.post("/api/v1/notes", content=big, headers=JSON)
    assert (answer.status_code, slug(answer)) == (413, "body-too-large")

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(big), 65_536):
            yield big[start : start + 65_536]

    answer = await client.post("/api/v1/notes", content=chunks(), headers=JSON)
    assert (answer.status_code, slug(answer)) == (413, "body-too-large")


async def test_a_thousand_headers_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/notes/x", headers={f"x-{n}": "v" for n in range(1000)})
    assert (answer.status_code, slug(answer)) == (431, "headers-too-large")


async def test_unknown_paths_ids_and_methods(client: httpx.AsyncClient) -> None:
    for path in ("/api/v1/nothing", "/api/v1/notes/no-uuid", "/api/v1/notes/a%00b", "/api/v1/notes/", "/docs"):
        answer = await client.get(path)
        assert (answer.status_code, slug(answer)) == (404, "not-found"), path
    answer = await client.delete("/api/v1/notes")
    assert (answer.status_code, slug(answer), answer.headers["allow"]) == (405, "method-not-allowed", "POST")


async def test_a_wrong_query_parameter_is_named(client: httpx.AsyncClient) -> None:
    path = "/api/v1/notes/0199a1b2-0000-7000-8000-000000000000"
    answer = await client.get(path, params={"depth": "0"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "?depth"
    assert (await client.get(path + "?depth=%00")).status_code == 422
    assert (await client.get(path + "?depth=%ED%A0%80")).status_code == 422


async def test_a_bug_is_told_to_the_log_and_not_to_the_client(client: httpx.AsyncClient) -> None:
    with capture_logs() as logged:
        answer = await client.get("/api/v1/bug")
    assert (answer.status_code, slug(answer)) == (500, "internal-error")
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    crashed, answered = logged
    assert (crashed["event"], str(crashed["exc_info"])) == ("http.crashed", "secret inside")
    assert (answered["log_level"], answered["status"]) == ("error", 500)


async def test_a_client_that_goes_while_it_sends_its_request_is_no_crash(app: FastAPI) -> None:
    coming: list[Message] = [{"type": "http.request", "body": b"ha", "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return coming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", b"4")]
    scope = {"type": "http", "method": "POST", "path": "/api/v1/raw", "query_string": b"", "headers": headers}
    with capture_logs() as logged:
        await app(scope, receive, send)
    [answered] = logged
    assert (answered["log_level"], answered["status"]) == ("info", 499)
    assert sent == []


async def test_infrastructure_that_is_away_answers_503_with_retry_after(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/away")
    assert (answer.status_code, slug(answer)) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_a_well_formed_request_id_is_kept_and_another_replaced(client: httpx.AsyncClient) -> None:
    kept = await client.get("/health/live", headers={"x-request-id": "order-4711_a"})
    assert kept.headers["x-request-id"] == "order-4711_a"
    for bad in ("short", "with space in it", "x" * 129, 'quote"quote', "tab\tinside-it"):
        replaced = (await client.get("/health/live", headers={"x-request-id": bad})).headers["x-request-id"]
        assert UUID(replaced).version == 7
