"""The first path segment decides, of operators' routes the second, and nothing that merely looks like it."""

import pytest

from gateway.routes import OPEN, SERVICES, find_target, is_open


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/v1/auth/login", "auth"),
        ("/api/v1/organisation/members", "auth"),
        ("/api/v1/module-kinds/project", "modules"),
        ("/api/v1/modules", "modules"),
        ("/api/v1/chats/1/messages", "chats"),
        ("/api/v1/agent/act", "agent"),
        ("/api/v1/runs/1/events", "agent"),
        ("/api/v1/operations/chats/dead-letters", "chats"),
        ("/api/v1/operations/auth", "auth"),
        ("/.well-known/jwks.json", "auth"),
    ],
)
def test_each_path_goes_to_its_owner(path: str, service: str) -> None:
    target = find_target(path)
    assert target is not None
    assert target.service == service


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/api/v1",
        "/api/v1/",
        "/api/v1//chats",
        "/api/v1/Chats",
        "/api/v1/chats2",
        "/api/v1/../chats",
        "//api/v1/chats",
        "/api/v1/operations",
        "/api/v1/operations/",
        "/api/v1/operations//chats",
        "/api/v1/operations/gateway/dead-letters",
        "/api/v1/operations/modules2",
    ],
)
def test_other_paths_go_nowhere(path: str) -> None:
    assert find_target(path) is None


def test_every_open_route_leads_somewhere() -> None:
    assert all(find_target(path) is not None for _, path in OPEN)


def test_openness_is_of_method_and_path() -> None:
    assert is_open("POST", "/api/v1/auth/login")
    assert not is_open("GET", "/api/v1/auth/login")
    assert not is_open("POST", "/api/v1/auth/login/")


def test_labels_hold_no_ids() -> None:
    target = find_target("/api/v1/chats/0199a1b2-0000-7000-8000-000000000000/messages")
    assert target is not None
    assert target.label == "/api/v1/chats/*"


def test_there_are_four_services() -> None:
    assert {"auth", "modules", "agent", "chats"} == SERVICES
