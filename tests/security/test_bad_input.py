"""Whatever is sent to a route through the gateway: a problem that names field and rule, never a 500."""

import json
import secrets
from typing import Any

import httpx
import pytest

from .matrix import TABLE, Row, one_of_each, read
from .situations import SITUATIONS
from .world import Answer, World

ROWS = one_of_each(read(TABLE.read_text()))
WRITES = [row for row in ROWS if row.method in ("POST", "PUT", "PATCH")]
LISTS = [row for row in ROWS if row.method == "GET" and row.expected["owner"] == 200]
CHANGES = [row for row in ROWS if row.method != "GET"]
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
WRONG: dict[str, Any] = {"a list": [], "a number": 7, "nothing": None, "a text": "Plans"}
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


def sent(world: World, row: Row, **request: Any) -> Answer:
    """The owner sends something else in a fresh situation; headers are added to those that the route needs."""
    given = SITUATIONS[row.situation](world)
    headers = {**given.headers, **request.pop("headers", {})}
    return world.call("owner", row, given, headers=headers, **request)


def problem(answer: Answer, *statuses: int) -> dict[str, Any]:
    """The problem of an answer with one of these statuses."""
    assert answer.status in statuses, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = json.loads(answer.body)
    assert found["request_id"] == answer.headers["x-request-id"]
    return found


def but_for_secrets(answer: Answer) -> Any:
    """The body of an answer without a token that is told only once, and never stored."""
    body = json.loads(answer.body)
    return {name: value for name, value in body.items() if name != "token"}


def bodied(world: World, row: Row) -> dict[str, Any]:
    """The example body of a route, or the test ends here: the route takes none."""
    body = world.body(row, SITUATIONS[row.situation](world))
    if body is None:
        pytest.skip("the route takes no body")
    assert isinstance(body, dict)
    return body


@pytest.mark.parametrize("row", WRITES, ids=str)
class TestEveryBody:
    def test_broken_json_is_400(self, world: World, row: Row) -> None:
        bodied(world, row)
        for name, content in BROKEN.items():
            found = problem(sent(world, row, json=None, content=content, headers=JSON), 400)
            assert found["type"] == "urn:stoa:problem:malformed-json", name

    def test_another_value_than_an_object_is_422(self, world: World, row: Row) -> None:
        bodied(world, row)
        for value in WRONG.values():
            found = problem(sent(world, row, json=None, content=json.dumps(value), headers=JSON), 422)
            assert found["errors"][0]["pointer"] == ""

    def test_an_unknown_field_is_named(self, world: World, row: Row) -> None:
        body = {**bodied(world, row), "zz_unknown": 1}
        errors = problem(sent(world, row, json=body), 422)["errors"]
        assert [(error["pointer"], error["rule"]) for error in errors] == [("/zz_unknown", "extra-forbidden")]

    def test_the_document_says_that_unknown_fields_are_refused(self, world: World, row: Row) -> None:
        bodied(world, row)
        assert (world.body_schema(row) or {})["additionalProperties"] is False

    def test_a_wrong_type_is_named_with_its_rule(self, world: World, row: Row) -> None:
        body = bodied(world, row)
        for name in body:
            wrongs: tuple[Any, ...] = (True, [[]], 1.5)
            for wrong in wrongs:
                errors = problem(sent(world, row, json={**body, name: wrong}), 422)["errors"]
                assert errors[0]["pointer"].split("/")[1] == name
                assert errors[0]["rule"]

    def test_a_missing_field_is_named(self, world: World, row: Row) -> None:
        body = bodied(world, row)
        for name in (world.body_schema(row) or {}).get("required", []):
            less = {key: value for key, value in body.items() if key != name}
            errors = problem(sent(world, row, json=less), 422)["errors"]
            assert {"pointer": f"/{name}", "rule": "missing"}.items() <= errors[0].items()

    def test_another_media_type_is_415(self, world: World, row: Row) -> None:
        content = json.dumps(bodied(world, row))
        problem(sent(world, row, json=None, content=content, headers={"Content-Type": "text/plain"}), 415)

    def test_two_mebibytes_are_413(self, world: World, row: Row) -> None:
        body = json.dumps({**bodied(world, row), "zz_unknown": "x" * MANY})
        problem(sent(world, row, json=None, content=body, headers=JSON), 413)
        in_chunks = (body[start : start + 65536].encode() for start in range(0, len(body), 65536))
        problem(sent(world, row, json=None, content=in_chunks, headers=JSON), 413)

    def test_a_key_used_for_another_body_is_refused(self, world: World, row: Row) -> None:
        if not world.takes(row, "Idempotency-Key"):
            pytest.skip("the route takes no Idempotency-Key")
        given, key = SITUATIONS[row.situation](world), {"Idempotency-Key": secrets.token_hex(8)}
        if given.ends_session:
            pytest.skip("there is no second call in a session that has ended")
        first = world.call("owner", row, given, headers={**given.headers, **key})
        again = world.call("owner", row, given, headers={**given.headers, **key})
        if first.status >= 400:
            pytest.skip("only successes are stored")
        assert (again.status, but_for_secrets(again)) == (first.status, but_for_secrets(first))
        assert again.headers["Idempotency-Replayed"] == "true"
        other = world.call("owner", row, given, headers={**given.headers, **key}, params={"other": "1"})
        assert problem(other, 422)["type"] == "urn:stoa:problem:idempotency-key-reused"

    @pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ä"])
    def test_a_malformed_key_is_400(self, world: World, row: Row, key: str) -> None:
        if not world.takes(row, "Idempotency-Key"):
            pytest.skip("the route takes no Idempotency-Key")
        problem(sent(world, row, headers={"Idempotency-Key": key.encode()}), 400)


@pytest.mark.parametrize("row", CHANGES, ids=str)
class TestEveryChange:
    def test_without_if_match_it_is_428(self, world: World, row: Row) -> None:
        self._needs_if_match(world, row)
        given = SITUATIONS[row.situation](world)
        problem(world.call("owner", row, given, headers={}), 428)

    def test_with_a_stale_if_match_it_is_412(self, world: World, row: Row) -> None:
        self._needs_if_match(world, row)
        problem(sent(world, row, headers={"If-Match": '"999999"'}), 412)

    @pytest.mark.parametrize("etag", ["*", "1", 'W/"1"', '"1", "2"', '"x"', '"' + "9" * 40 + '"'])
    def test_with_a_malformed_if_match_it_is_400(self, world: World, row: Row, etag: str) -> None:
        self._needs_if_match(world, row)
        problem(sent(world, row, headers={"If-Match": etag}), 400)

    def _needs_if_match(self, world: World, row: Row) -> None:
        if not world.takes(row, "If-Match"):
            pytest.skip("the route takes no If-Match")


@pytest.mark.parametrize("row", LISTS, ids=str)
def test_wrong_query_parameters_are_named(world: World, row: Row) -> None:
    parameters = {one["name"] for one in world.operation(row).get("parameters", []) if one["in"] == "query"}
    if "cursor" not in parameters:
        pytest.skip("the route is no list")
    for wrong in ({"limit": "0"}, {"limit": "x"}, {"limit": "1000"}, {"zz_unknown": "1"}):
        errors = problem(sent(world, row, params=wrong), 422)["errors"]
        assert errors[0]["pointer"] == f"?{next(iter(wrong))}"
    for cursor in ("x", "AAAA", "e30.e30", "x" * 5000):
        problem(sent(world, row, params={"cursor": cursor}), 400, 422)


@pytest.mark.parametrize("path", ODD_PATHS)
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


def test_a_method_that_no_route_has_is_refused(world: World) -> None:
    for method in ("PUT", "TRACE", "FOO", "CONNECT"):
        assert world.owner.http.request(method, "/api/v1/chats", headers=JSON).status_code in (400, 404, 405, 501)


def test_a_malformed_host_changes_nothing(world: World) -> None:
    answer = httpx.get(f"{world.owner.http.base_url}api/v1/chats", headers={"Host": "a b/../c?x"})
    assert answer.status_code in (400, 401)
