"""What the gateway says of the whole: one document, a page to read it, one health."""

import re
import socket
from typing import Any

import pytest

from chassis.testing.tokens import TestKeys
from chassis.testing.waiting import eventually
from gateway.documents import documents
from gateway.documents.documents import DOCUMENT_PATH

from ..stage import FakeService, Replica, json_handler, replica, serving, settings_for

OPERATION: dict[str, Any] = {"operationId": "get", "tags": ["chats"], "responses": {"200": {"description": "ok"}}}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "chats", "version": "1"},
    "paths": {"/api/v1/chats": {"get": OPERATION}},
}


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


async def test_the_document_has_the_routes_of_services_and_its_own(service: FakeService) -> None:
    internal = {"/health/ready": {"get": OPERATION}, "/internal": {"get": OPERATION}}
    service.handlers["/openapi.json"] = json_handler({**DOCUMENT, "paths": {**DOCUMENT["paths"], **internal}})
    async with serving(service) as address, replica(settings_for(address), TestKeys()) as gateway:
        document = (await gateway.http.get(DOCUMENT_PATH)).json()
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {"/api/v1/chats", "/api/v1/events", "/health/live", "/health/ready"}
    assert {"408", "503", "504"} <= set(document["paths"]["/api/v1/chats"]["get"]["responses"])
    assert "x-missing" not in document["info"]


async def test_a_document_that_is_known_is_not_sent_again(gateway: Replica) -> None:
    first = await gateway.http.get(DOCUMENT_PATH)
    again = await gateway.http.get(DOCUMENT_PATH, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_service_that_was_away_comes_in_when_it_is_back(
    service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "INCOMPLETE_S", 0.0)
    service.handlers["/openapi.json"] = json_handler({}, 404)
    async with serving(service) as address, replica(settings_for(address), TestKeys()) as gateway:
        without = (await gateway.http.get(DOCUMENT_PATH)).json()
        service.handlers["/openapi.json"] = json_handler(DOCUMENT)
        complete = (await gateway.http.get(DOCUMENT_PATH)).json()
    assert without["info"]["x-missing"] == ["agent", "auth", "chats", "modules"]
    assert "/api/v1/chats" not in without["paths"]
    assert "/api/v1/chats" in complete["paths"]


async def test_a_service_that_goes_away_keeps_its_part(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "FRESH_S", 0.0)
    monkeypatch.setattr(documents, "INCOMPLETE_S", 0.0)
    service.handlers["/openapi.json"] = json_handler(DOCUMENT)
    async with serving(service) as address, replica(settings_for(address), TestKeys()) as gateway:
        await gateway.http.get(DOCUMENT_PATH)
        service.handlers["/openapi.json"] = json_handler({}, 500)
        assert "/api/v1/chats" in (await gateway.http.get(DOCUMENT_PATH)).json()["paths"]


async def test_the_page_loads_nothing_from_elsewhere(gateway: Replica) -> None:
    page = await gateway.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    wanted = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert {"/docs/docs.css", "/docs/docs.js"} <= set(wanted)
    for path in wanted:
        assert path.startswith("/")
        assert (await gateway.http.get(path)).status_code == 200
    for name in ("/docs", "/docs/docs.css", "/docs/docs.js"):
        assert not re.findall(r"https?://", (await gateway.http.get(name)).text)


async def test_outside_development_document_and_page_are_not_served(service: FakeService) -> None:
    async with (
        serving(service) as address,
        replica(settings_for(address, docs=False), TestKeys()) as gateway,
    ):
        for path in (DOCUMENT_PATH, "/docs", "/docs/docs.js"):
            assert (await gateway.http.get(path)).status_code == 404


async def test_the_process_lives_whatever_is_away(gateway: Replica) -> None:
    found = await gateway.http.get("/health/live")
    assert (found.status_code, found.json()) == (200, {"status": "healthy"})


async def test_without_a_broker_it_is_not_ready_and_says_why(gateway: Replica) -> None:
    async def tried() -> bool:
        checks = (await gateway.http.get("/health/ready")).json()["checks"]
        return all(
            "127.0.0.1:1" in checks[name]["line"]
            for name in ("gateway.feed-tail", "gateway.feed", "gateway.revocations")
        )

    await eventually(tried)
    found = await gateway.http.get("/health/ready")
    assert (found.status_code, found.json()["status"]) == (503, "unhealthy")


async def test_what_a_service_says_of_itself_stands_in_the_whole(
    service: FakeService, gateway: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.health.REMEMBERED_S", 0.0)
    checks = {"relay": {"status": "degraded", "line": "3 rows wait"}, "database": {"status": "healthy", "line": "ok"}}
    service.handlers["/health/ready"] = json_handler({"status": "degraded", "checks": checks})
    found = (await gateway.http.get("/health/ready")).json()
    assert found["checks"]["chats"] == {"status": "degraded", "line": "is degraded: relay: 3 rows wait"}


async def test_a_service_that_is_away_degrades_the_whole() -> None:
    async with replica(settings_for(free_address()), TestKeys()) as gateway:
        found = (await gateway.http.get("/health/ready")).json()
    assert found["checks"]["auth"]["status"] == "degraded"
    assert "cannot be reached" in found["checks"]["auth"]["line"]


async def test_services_are_not_asked_more_than_once_a_second(service: FakeService, gateway: Replica) -> None:
    for _ in range(20):
        await gateway.http.get("/health/ready")
    assert len(service.seen) <= 8
