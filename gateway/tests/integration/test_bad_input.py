"""Whatever is sent, the answer is the right problem, and never a 500."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from joserfc import jwt
from starlette.types import Send

from chassis.http import protocol
from chassis.testing.tokens import TestKeys, a_caller
from chassis.testing.waiting import eventually
from gateway.proxy import aiohttp_upstreams, body

from ..raw import Connection
from ..stage import FakeService, Replica, Seen, replica, settings_for

MEBIBYTE = 1024 * 1024


def slug(found: httpx.Response) -> tuple[int, str]:
    """Status and slug of an answer that must be a whole problem."""
    problem = found.json()
    assert found.headers["content-type"] == "application/problem+json"
    assert problem["status"] == found.status_code
    assert problem["request_id"] == found.headers["x-request-id"]
    assert problem["title"]
    assert problem["detail"]
    return found.status_code, problem["type"].removeprefix("urn:stoa:problem:")


async def test_a_declared_body_of_two_mebibytes_is_refused_before_it_is_read(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    found = await gateway.http.post("/api/v1/modules", content=b"x" * 2 * MEBIBYTE, headers=signed_in)
    assert slug(found) == (413, "body-too-large")
    assert service.seen == []


async def test_a_body_without_a_length_is_refused_where_it_becomes_too_large(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 65_536

    found = await gateway.http.post("/api/v1/modules", content=endless(), headers=signed_in)
    assert slug(found) == (413, "body-too-large")


async def test_a_body_of_just_the_limit_passes(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    found = await gateway.http.post("/api/v1/modules", content=b"x" * MEBIBYTE, headers=signed_in)
    assert (found.status_code, len(service.last.body)) == (200, MEBIBYTE)


async def test_a_thousand_headers_are_refused(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    many = {f"X-{number}": "1" for number in range(1000)}
    assert slug(await gateway.http.get("/api/v1/chats", headers={**signed_in, **many})) == (431, "headers-too-large")
    assert service.seen == []


async def test_one_endless_header_is_refused(gateway: Replica, service: FakeService) -> None:
    connection = await Connection.to(gateway.address)
    await connection.send("GET /api/v1/chats HTTP/1.1", "Host: x", "X-Long: ", end=False)
    for _ in range(9):
        await connection.send(b"x" * 16_384, end=False)
    assert await connection.problem() == (431, "headers-too-large")
    await connection.closed()


async def test_bytes_that_are_no_http_are_refused(gateway: Replica) -> None:
    connection = await Connection.to(gateway.address)
    await connection.send(b"\x16\x03\x01 hello")
    assert await connection.problem() == (400, "malformed-request")
    assert await connection.closed() == b""


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: -1"],
        ["Transfer-Encoding: chunked, identity"],
        ["X : 1"],
        ["Content-Length: 99999999999999999999999999"],
    ],
)
async def test_what_two_servers_could_read_differently_is_refused(
    lines: list[str], gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    connection = await Connection.to(gateway.address)
    token = f"Authorization: {signed_in['Authorization']}"
    await connection.send("POST /api/v1/chats HTTP/1.1", "Host: x", token, *lines)
    assert await connection.problem() == (400, "malformed-request")
    await connection.closed()
    assert service.seen == []


async def test_two_authorization_headers_are_refused(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    twice = [("Authorization", signed_in["Authorization"]), ("Authorization", "Bearer other")]
    assert slug(await gateway.http.get("/api/v1/chats", headers=twice)) == (400, "malformed-request")
    assert service.seen == []


async def test_a_header_that_is_no_utf_8_is_refused(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    headers = [(b"Authorization", signed_in["Authorization"].encode()), (b"X-Name", b"\xff\xfe")]
    assert slug(await gateway.http.get("/api/v1/chats", headers=headers)) == (400, "malformed-request")


async def test_a_malformed_host_changes_nothing(gateway: Replica, service: FakeService) -> None:
    connection = await Connection.to(gateway.address)
    await connection.send("GET /api/v1/chats HTTP/1.1", "Host: /api/v1/auth/login?", "Content-Length: 0")
    assert await connection.problem() == (401, "unauthenticated")
    await connection.send("GET http://evil.example/api/v1/chats HTTP/1.1", "Host: evil.example")
    assert await connection.problem() == (401, "unauthenticated")
    assert service.seen == []


async def test_a_token_never_stands_in_an_address(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    token = signed_in["Authorization"].removeprefix("Bearer ")
    for path in ("/api/v1/chats", "/api/v1/events"):
        found = await gateway.http.get(path, params={"access_token": token}, headers=signed_in)
        assert slug(found) == (400, "malformed-request")
    assert service.seen == []


async def test_expired_forged_and_foreign_tokens_are_refused(gateway: Replica, service: FakeService) -> None:
    caller = a_caller()
    good = gateway.keys.token(caller)
    expired = a_caller(issued_at=datetime.now(UTC) - timedelta(minutes=11))
    head, claims, signature = good.split(".")
    claims_of_good = jwt.decode(good, gateway.keys.signing, algorithms=["Ed25519"]).claims
    other_use = {"alg": "Ed25519", "typ": "rt+jwt", "kid": "test-key"}
    refresh = jwt.encode(other_use, claims_of_good, gateway.keys.signing, algorithms=["Ed25519"])
    tokens = {
        "expired": gateway.keys.token(expired),
        "of another key": TestKeys().token(caller),
        "altered": f"{head}.{claims[:-2]}AA.{signature}",
        "unsigned": f"eyJhbGciOiJub25lIn0.{claims}.",
        "of another use": refresh,
        "too long": "x" * 5000,
        "no token at all": "abc",
    }
    for name, token in tokens.items():
        found = await gateway.http.get("/api/v1/chats", headers={"Authorization": f"Bearer {token}"})
        assert (name, found.status_code, found.headers["www-authenticate"][:6]) == (name, 401, "Bearer")
    assert service.seen == []


async def test_a_wrong_method_on_a_page_of_the_gateway_names_the_right_ones(gateway: Replica) -> None:
    found = await gateway.http.post("/docs")
    assert slug(found) == (405, "method-not-allowed")
    assert found.headers["allow"] == "GET, HEAD"


async def test_a_body_that_does_not_come_is_not_waited_for(
    gateway: Replica, service: FakeService, signed_in: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "BODY_S", 0.2)
    connection = await Connection.to(gateway.address)
    token = f"Authorization: {signed_in['Authorization']}"
    await connection.send("POST /api/v1/chats HTTP/1.1", "Host: x", token, "Content-Length: 10")
    assert await connection.problem() == (408, "request-too-slow")
    connection.close()


async def test_a_body_that_stops_half_way_is_not_waited_for(
    gateway: Replica, service: FakeService, signed_in: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "BODY_S", 0.3)
    connection = await Connection.to(gateway.address)
    token = f"Authorization: {signed_in['Authorization']}"
    await connection.send("POST /api/v1/chats HTTP/1.1", "Host: x", token, "Content-Length: 10")
    await connection.send(b"{", end=False)
    assert await connection.problem() == (408, "request-too-slow")
    connection.close()


async def test_a_head_that_does_not_come_is_not_waited_for(gateway: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_S", 0.2)
    slow, silent = await Connection.to(gateway.address), await Connection.to(gateway.address)
    await slow.send("GET /api/v1/chats HTTP/1.1", "Host:", end=False)
    assert await slow.problem() == (408, "request-too-slow")
    assert await silent.closed() == b""


async def test_a_service_that_does_not_answer_is_504(
    gateway: Replica, signed_in: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(aiohttp_upstreams, "SILENCE_S", 0.2)
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, replica(settings_for(address), gateway.keys) as other:
        assert slug(await other.http.get("/api/v1/chats", headers=signed_in)) == (504, "service-too-slow")


async def test_a_client_that_reads_nothing_is_cut_off(
    gateway: Replica, service: FakeService, signed_in: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def flood(seen: Seen, receive: object, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})

    monkeypatch.setattr(protocol, "STALLED_S", 0.3)
    service.handlers["/api/v1/chats"] = flood
    connection = await Connection.to(gateway.address)
    await connection.send("GET /api/v1/chats HTTP/1.1", "Host: x", f"Authorization: {signed_in['Authorization']}")

    async def ended() -> bool:
        return bool(service.seen) and service.last.ended.is_set()

    await eventually(ended)


async def test_an_odd_request_id_is_replaced(gateway: Replica) -> None:
    for odd in ("short", "x" * 200, "a b c d e f g h", '"><script>'):
        found = await gateway.http.get("/nowhere", headers={"X-Request-ID": odd})
        assert UUID(found.headers["x-request-id"]).version == 7
