"""Whatever is sent to a route through the gateway: a problem that names field and rule, never a 500.

Each test goes through all routes that the document gives reason to: those with a body, with an If-Match, …
"""

import http.client
import json
import secrets
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from .matrix import TABLE, Row, one_of_each, read
from .situations import SITUATIONS
from .world import Answer, Given, World

ROWS = one_of_each(read(TABLE.read_text()))
MANY = 2 * 1024 * 1024
JSON = {"Content-Type": "application/json"}

BROKEN = {
    "cut off": b'{"title": "Pla',
    "not JSON": b"title=Plans",
    "two values": b"{} {}",
    "not UTF-8": b'{"title": "\xff"}',
    "a lone surrogate": b'{"title": "\\ud800"}',
    "not a number": b'{"title": NaN}',
}
NO_OBJECTS: list[Any] = [[], 7, None, "Plans"]
WRONG_VALUES: list[Any] = [True, [[]], 1.5]
WRONG_ETAGS = ["*", "1", 'W/"1"', '"1", "2"', '"x"', '"' + "9" * 40 + '"']
WRONG_KEYS = ["", "a b", "x" * 256, "ä"]
WRONG_QUERIES = [{"limit": "0"}, {"limit": "x"}, {"limit": "1000"}, {"zz_unknown": "1"}]
WRONG_CURSORS = ["x", "AAAA", "e30.e30", "x" * 5000]
ODD_PATHS = [
    "/api/v1",
    "/api/v1/",
    "/api/v1/nothing",
    "/api/v1/chats/",
    "/api/v1/chats/%00",
    "/api/v1/chats/%2e%2e/modules",
    "/api/v1/chats/..%2fmodules",
    "/api/v1//chats",
    "/api/v1/chats/\u2028",
    "/api/v1/CHATS",
    "/api/v1/chats/" + "a" * 4000,
]

Body: TypeAlias = dict[str, Any]


def situation(world: World, row: Row) -> Given:
    return SITUATIONS[row.situation](world)


def sent(world: World, row: Row, **request: Any) -> Answer:
    """Who may sends something else in this situation; headers are added to those that the route needs."""
    given = situation(world, row)
    headers = {**given.headers, **request.pop("headers", {})}
    return world.call(row.insider, row, given, headers=headers, **request)


def problem(row: Row, answer: Answer, *statuses: int) -> Body:
    """The problem of an answer with one of these statuses."""
    assert answer.status in statuses, f"{row}: {answer.status} {answer.body}"
    assert answer.headers["content-type"] == "application/problem+json"
    found: Body = json.loads(answer.body)
    assert found["request_id"] == answer.headers["x-request-id"]
    return found


def first_error(row: Row, answer: Answer) -> tuple[str, str]:
    """Where the first field error of a 422 is, and which rule it breaks."""
    error = problem(row, answer, 422)["errors"][0]
    assert error["detail"], row
    return error["pointer"], error["rule"]


def chosen(world: World, fits: Callable[[Row], bool]) -> list[Row]:
    """The routes for which a test is meant; there must be some."""
    found = [row for row in ROWS if fits(row)]
    assert found
    return found


@pytest.fixture
def bodied(world: World) -> list[tuple[Row, Body]]:
    """Each route that takes a body, with a good one."""
    rows = chosen(world, lambda row: world.body_schema(row) is not None)
    return [(row, world.body(row, situation(world, row))) for row in rows]


@pytest.fixture
def changes(world: World) -> list[Row]:
    """Each route that demands If-Match."""
    return chosen(world, lambda row: world.takes(row, "If-Match"))


@pytest.fixture
def repeatable(world: World) -> list[Row]:
    """Each route that accepts an Idempotency-Key."""
    return chosen(world, lambda row: world.takes(row, "Idempotency-Key"))


def test_broken_json_is_400(world: World, bodied: list[tuple[Row, Body]]) -> None:
    for row, _ in bodied:
        for name, content in BROKEN.items():
            answer = sent(world, row, json=None, content=content, headers=JSON)
            assert problem(row, answer, 400)["type"] == "urn:stoa:problem:malformed-json", name


def test_another_value_than_an_object_is_422(world: World, bodied: list[tuple[Row, Body]]) -> None:
    for row, _ in bodied:
        for value in NO_OBJECTS:
            answer = sent(world, row, json=None, content=json.dumps(value), headers=JSON)
            assert first_error(row, answer)[0] == ""


def test_an_unknown_field_is_named(world: World, bodied: list[tuple[Row, Body]]) -> None:
    for row, body in bodied:
        answer = sent(world, row, json={**body, "zz_unknown": 1})
        assert first_error(row, answer) == ("/zz_unknown", "extra-forbidden")
        assert (world.body_schema(row) or {})["additionalProperties"] is False, "the document says so"


def test_a_wrong_type_is_named_with_its_rule(world: World, bodied: list[tuple[Row, Body]]) -> None:
    for row, body in bodied:
        for name in body:
            for wrong in WRONG_VALUES:
                pointer, rule = first_error(row, sent(world, row, json={**body, name: wrong}))
                assert pointer.split("/")[1] == name
                assert rule


def test_a_missing_field_is_named(world: World, bodied: list[tuple[Row, Body]]) -> None:
    for row, body in bodied:
        for name in (world.body_schema(row) or {}).get("required", []):
            less = {key: value for key, value in body.items() if key != name}
            assert first_error(row, sent(world, row, json=less)) == (f"/{name}", "missing")


def test_another_media_type_is_415(world: World, bodied: list[tuple[Row, Body]]) -> None:
    for row, body in bodied:
        content = json.dumps(body)
        problem(row, sent(world, row, json=None, content=content, headers={"Content-Type": "text/plain"}), 415)


def test_two_mebibytes_are_413(world: World, bodied: list[tuple[Row, Body]]) -> None:
    for row, body in bodied:
        content = json.dumps({**body, "zz_unknown": "x" * MANY}).encode()
        problem(row, sent(world, row, json=None, content=content, headers=JSON), 413)
        chunks = (content[start : start + 65536] for start in range(0, len(content), 65536))
        problem(row, sent(world, row, json=None, content=chunks, headers=JSON), 413)


def test_a_repeat_with_its_key_gets_the_same_answer(world: World, repeatable: list[Row]) -> None:
    for row in repeatable:
        given = situation(world, row)
        if given.ends_session or row.expected["owner"] >= 400:
            continue  # no second call comes in, or there is no success to store
        headers = {**given.headers, "Idempotency-Key": secrets.token_hex(8)}
        first = world.call("owner", row, given, headers=headers)
        again = world.call("owner", row, given, headers=headers)
        assert (again.status, but_for_secrets(again)) == (first.status, but_for_secrets(first)), row
        assert again.headers["Idempotency-Replayed"] == "true"
        other = world.call("owner", row, given, headers=headers, params={"other": "1"})
        assert problem(row, other, 422)["type"] == "urn:stoa:problem:idempotency-key-reused"


def test_a_malformed_key_is_400(world: World, repeatable: list[Row]) -> None:
    for row in repeatable:
        for key in WRONG_KEYS:
            problem(row, sent(world, row, headers={"Idempotency-Key": key.encode()}), 400)


def test_a_key_of_somebody_else_is_another_key(world: World) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    made = [
        person.call("POST", "/api/v1/chats", 201, json={"title": "Plans"}, headers=headers)["id"]
        for person in (world.owner, world.member, world.foreign)
    ]
    assert len(set(made)) == 3


def test_a_change_needs_an_if_match_that_fits(world: World, changes: list[Row]) -> None:
    for row in changes:
        problem(row, world.call("owner", row, situation(world, row), headers={}), 428)
        problem(row, sent(world, row, headers={"If-Match": '"999999"'}), 412)
        for etag in WRONG_ETAGS:
            problem(row, sent(world, row, headers={"If-Match": etag}), 400)


def test_wrong_query_parameters_of_lists_are_named(world: World) -> None:
    lists = chosen(
        world, lambda row: any(one["name"] == "cursor" for one in world.operation(row).get("parameters", []))
    )
    for row in lists:
        for wrong in WRONG_QUERIES:
            assert first_error(row, sent(world, row, params=wrong))[0] == f"?{next(iter(wrong))}"
        for cursor in WRONG_CURSORS:
            problem(row, sent(world, row, params={"cursor": cursor}), 400, 422)


@pytest.mark.parametrize("path", ODD_PATHS, ids=lambda path: path[:40])
def test_an_odd_path_is_not_found(world: World, path: str) -> None:
    for client in (world.owner.http, world.clients["nobody"]):
        answer = client.get(path)
        assert answer.status_code in (400, 401, 404), answer.text
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_thousand_headers_are_refused(world: World) -> None:
    headers = {f"X-Header-{number}": "x" for number in range(1000)}
    answer = world.owner.http.get("/api/v1/chats", headers=headers)
    assert answer.status_code == 431
    assert answer.json()["type"] == "urn:stoa:problem:headers-too-large"


@pytest.mark.parametrize("method", ["PUT", "TRACE", "FOO", "OPTIONS"])
def test_a_method_that_no_route_has_is_refused(world: World, method: str) -> None:
    assert world.owner.http.request(method, "/api/v1/chats", headers=JSON).status_code in (400, 404, 405, 501)


@pytest.mark.parametrize("host", ["a b/../c?x", "127.0.0.1/api/v1/auth/login", "", "\x7f"])
def test_a_malformed_host_lets_nobody_in(world: World, host: str) -> None:
    there = world.owner.http.base_url
    connection = http.client.HTTPConnection(there.host, there.port, timeout=5)
    connection.putrequest("GET", "/api/v1/chats", skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    assert connection.getresponse().status in (400, 401)
    connection.close()


def but_for_secrets(answer: Answer) -> Body:
    """The body of an answer without a token that is told only once, and never stored."""
    return {name: value for name, value in json.loads(answer.body).items() if name != "token"}
