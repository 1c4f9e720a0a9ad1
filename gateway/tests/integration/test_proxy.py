"""Requests pass through to the service that owns them, and answers back: byte for byte, as streams, checked once."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Receive, Send

from chassis.testing.tokens import TestKeys

from ..stage import FakeService, Replica, Seen, answer, replica, settings_for


async def test_method_target_body_and_headers_arrive_as_they_were_sent(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    sent = {**signed_in, "Idempotency-Key": "k-1", "If-Match": '"3"', "Content-Type": "application/json"}
    found = await gateway.http.request(
        "PATCH", "/api/v1/modules/a%2Fb?x=%20y&x=2", content=b'{"a": "\xc3\xbc"}', headers=sent
    )
    assert found.status_code == 200
    assert (service.last.method, service.last.target) == ("PATCH", "/api/v1/modules/a%2Fb?x=%20y&x=2")
    assert service.last.body == b'{"a": "\xc3\xbc"}'
    assert service.last.header("idempotency-key") == [b"k-1"]
    assert service.last.header("if-match") == [b'"3"']
    assert service.last.header("authorization") == [signed_in["Authorization"].encode()]
    assert service.last.header("content-length") == [b"11"]


async def test_status_body_and_headers_come_back_as_they_were_answered(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    async def handler(seen: Seen, receive: Receive, send: Send) -> None:
        headers = {"content-type": "application/problem+json", "etag": '"7"', "content-encoding": "gzip", "x-a": "ü"}
        await answer(send, 412, b"\x1f\x8bnot really gzip", headers)

    service.handlers["/api/v1/modules/1"] = handler
    async with gateway.http.stream("GET", "/api/v1/modules/1", headers=signed_in) as found:
        raw = b"".join([part async for part in found.aiter_raw()])
    assert (found.status_code, raw) == (412, b"\x1f\x8bnot really gzip")
    assert found.headers["etag"] == '"7"'
    assert (b"x-a", "ü".encode()) in found.headers.raw


async def test_what_a_client_says_of_itself_stays_outside(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    claims = {
        "Forwarded": "for=1.2.3.4",
        "X-Forwarded-For": "1.2.3.4",
        "X_Forwarded_For": "1.2.3.4",
        "X-Real-IP": "1.2.3.4",
        "X-User-Id": "somebody",
        "X-Org-Id": "somewhere",
        "X-Stoa-Role": "super_admin",
        "X-HTTP-Method-Override": "DELETE",
        "Connection": "keep-alive, x-secret",
        "X-Secret": "for this hop",
        "TE": "trailers",
        "Proxy-Authorization": "Basic Zm9v",
        "Upgrade": "websocket",
        "Baggage": "role=admin",
        "Host": "evil.example",
    }
    await gateway.http.get("/api/v1/chats", headers={**signed_in, **claims, "X-Harmless": "yes"})
    arrived = {name.decode() for name, _ in service.last.headers}
    assert arrived.isdisjoint({name.lower() for name in claims} - {"host"})
    assert service.last.header("host")[0].startswith(b"127.0.0.1:")
    assert service.last.header("x-harmless") == [b"yes"]


async def test_hop_by_hop_headers_of_a_service_stay_behind(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    async def handler(seen: Seen, receive: Receive, send: Send) -> None:
        await answer(
            send, 200, b"", {"connection": "x-internal", "x-internal": "1", "keep-alive": "5", "x-public": "1"}
        )

    service.handlers["/api/v1/chats"] = handler
    found = await gateway.http.get("/api/v1/chats", headers=signed_in)
    assert found.headers["x-public"] == "1"
    assert not {"x-internal", "keep-alive"} & set(found.headers)


async def test_one_request_id_and_one_trace_run_through_both(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    trace = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-00"
    found = await gateway.http.get(
        "/api/v1/runs", headers={**signed_in, "X-Request-ID": "my-request", "traceparent": trace}
    )
    assert found.headers.get_list("x-request-id") == ["my-request"]
    assert service.last.header("x-request-id") == [b"my-request"]
    [onward] = service.last.header("traceparent")
    assert onward.split(b"-")[1] == b"ab" * 16
    assert found.headers["traceparent"].encode() == onward


@pytest.mark.parametrize("path", ["/api/v1/auth/login", "/api/v1/auth/register", "/api/v1/auth/refresh"])
async def test_open_routes_need_no_token(path: str, gateway: Replica, service: FakeService) -> None:
    assert (await gateway.http.post(path, json={})).status_code == 200
    assert service.last.target == path


@pytest.mark.parametrize(
    "path", ["/api/v1/auth/logout", "/api/v1/auth/login/", "/api/v1/auth//login", "/api/v1/chats", "/api/v1/auth/LOGIN"]
)
async def test_all_else_needs_one_before_it_reaches_a_service(
    path: str, gateway: Replica, service: FakeService
) -> None:
    found = await gateway.http.post(path, json={})
    assert (found.status_code, found.json()["type"]) == (401, "urn:stoa:problem:unauthenticated")
    assert found.headers["www-authenticate"] == "Bearer"
    assert service.seen == []


async def test_the_public_keys_of_auth_are_open(gateway: Replica, service: FakeService) -> None:
    assert (await gateway.http.get("/.well-known/jwks.json")).status_code == 200
    assert service.last.target == "/.well-known/jwks.json"


async def test_a_path_of_no_service_is_not_found(gateway: Replica, service: FakeService) -> None:
    for path in ("/", "/api/v1", "/api/v1/", "/api/v1/secrets", "/api/v2/chats", "/api/v1/health", "/metrics"):
        found = await gateway.http.get(path)
        assert (path, found.status_code, found.json()["type"]) == (path, 404, "urn:stoa:problem:not-found")
    assert service.seen == []


async def test_a_long_answer_flows_as_it_is_made(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    go_on = asyncio.Event()

    async def handler(seen: Seen, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"data: 2\n\n", "more_body": False})

    service.handlers["/api/v1/runs/1/events"] = handler
    async with gateway.http.stream("GET", "/api/v1/runs/1/events", headers=signed_in) as found:
        parts = found.aiter_raw()
        assert await anext(parts) == b"data: 1\n\n"
        go_on.set()
        assert await anext(parts) == b"data: 2\n\n"
        assert [part async for part in parts] == []


async def test_a_long_body_flows_as_it_comes(gateway: Replica, service: FakeService, signed_in: dict[str, str]) -> None:
    arrived = asyncio.Event()

    async def handler(seen: Seen, receive: Receive, send: Send) -> None:
        message = await receive()
        arrived.set()
        size = len(message["body"])
        while message["more_body"]:
            message = await receive()
            size += len(message["body"])
        await answer(send, 200, str(size).encode(), {})

    async def body() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        await asyncio.wait_for(arrived.wait(), 5)
        yield b"y" * 100_000

    service.handlers["/api/v1/modules"] = handler
    found = await gateway.http.post("/api/v1/modules", content=body(), headers=signed_in)
    assert found.text == "101000"


async def test_a_client_that_goes_away_ends_the_request_at_the_service(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    async def handler(seen: Seen, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    service.handlers["/api/v1/agent/act"] = handler
    with pytest.raises(httpx.ReadTimeout):
        await gateway.http.post("/api/v1/agent/act", json={}, headers=signed_in, timeout=0.3)
    await asyncio.wait_for(service.last.ended.wait(), 2)


async def test_an_answer_that_breaks_off_breaks_off_for_the_client_too(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    async def handler(seen: Seen, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ConnectionAbortedError

    service.handlers["/api/v1/chats"] = handler
    with pytest.raises(httpx.RemoteProtocolError):
        await gateway.http.get("/api/v1/chats", headers=signed_in)


async def test_an_answer_that_never_began_is_unknown_and_says_so(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.close()

    server = await asyncio.start_server(broken, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, replica(settings_for(address), gateway.keys) as other:
        found = await other.http.post("/api/v1/chats", json={}, headers=signed_in)
    assert (found.status_code, found.json()["type"]) == (503, "urn:stoa:problem:answer-lost")


async def test_a_service_that_is_away_is_503_with_a_time_to_come_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    async with replica(settings_for(address), TestKeys()) as gateway:
        found = await gateway.http.post("/api/v1/auth/login", json={})
    assert (found.status_code, found.json()["type"]) == (503, "urn:stoa:problem:service-away")
    assert int(found.headers["retry-after"]) >= 1
    assert found.headers["content-type"] == "application/problem+json"
    assert found.json()["request_id"] == found.headers["x-request-id"]


async def test_a_cookie_of_one_answer_goes_with_no_other_request(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    async def handler(seen: Seen, receive: Receive, send: Send) -> None:
        await answer(send, 200, b"", {"set-cookie": "session=somebody; Path=/"})

    service.handlers["/api/v1/chats"] = handler
    assert "session=somebody" in (await gateway.http.get("/api/v1/chats", headers=signed_in)).headers["set-cookie"]
    gateway.http.cookies.clear()
    await gateway.http.get("/api/v1/chats", headers=signed_in)
    assert service.last.header("cookie") == []


async def test_redirects_are_handed_to_the_client(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    async def handler(seen: Seen, receive: Receive, send: Send) -> None:
        await answer(send, 307, b"", {"location": "http://169.254.169.254/latest"})

    service.handlers["/api/v1/chats"] = handler
    found = await gateway.http.get("/api/v1/chats", headers=signed_in)
    assert (found.status_code, len(service.seen)) == (307, 1)


async def test_head_has_the_length_and_no_body(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    async def handler(seen: Seen, receive: Receive, send: Send) -> None:
        await answer(send, 200, b"12345", {})

    service.handlers["/api/v1/chats"] = handler
    found = await gateway.http.head("/api/v1/chats", headers=signed_in)
    assert (found.status_code, found.headers["content-length"], found.content) == (200, "5", b"")


async def test_connections_to_services_are_used_again(
    gateway: Replica, service: FakeService, signed_in: dict[str, str]
) -> None:
    for _ in range(10):
        await gateway.http.get("/api/v1/chats", headers=signed_in)
    assert len({seen.peer for seen in service.seen}) == 1
