"""Only a token that auth has signed is believed, at the gateway and again at each service."""

from typing import Any

import pytest

from ..stack import HTTP, Stack
from .forgery import FORGERIES, Forger, signing_key
from .world import World

ROUTES = {
    "auth": "/api/v1/auth/me",
    "modules": "/api/v1/modules",
    "chats": "/api/v1/chats",
    "agent": "/api/v1/agents",
    "gateway": "/api/v1/events",
}
"""One route of each process; those of services are also called through the gateway."""

IDENTITY_HEADERS = {
    "X-User-Id": "{user}",
    "X-Org-Id": "{organisation}",
    "X-Organisation-Id": "{organisation}",
    "X-Role": "admin",
    "X-Stoa-User": "{user}",
    "X-Forwarded-User": "{user}",
    "X-Forwarded-For": "127.0.0.1",
    "Forwarded": "for=127.0.0.1",
    "X-Real-Ip": "127.0.0.1",
}


@pytest.fixture(scope="module")
async def forger(stack: Stack, world: World) -> Forger:
    return Forger(world.owner.token, await signing_key(stack))


def statuses(stack: Stack, headers: dict[str, str]) -> dict[str, int]:
    """What each process answers to these headers, directly and, where it is a service, through the gateway."""
    places = {process: stack.urls[process] + path for process, path in ROUTES.items()}
    places |= {f"{process} through the gateway": stack.url + path for process, path in ROUTES.items()}
    return {place: _status(url, headers) for place, url in places.items()}


def _status(url: str, headers: dict[str, str]) -> int:
    with HTTP.stream("GET", url, headers=headers) as answer:
        if answer.status_code == 401:
            assert answer.headers["www-authenticate"].startswith("Bearer")
        return answer.status_code


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # that is why it is sent
@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_refused_everywhere(stack: Stack, forger: Forger, name: str) -> None:
    found = statuses(stack, {"Authorization": f"Bearer {FORGERIES[name](forger)}".strip()})
    assert found == dict.fromkeys(found, 401)


def test_a_good_token_is_believed_everywhere(stack: Stack, forger: Forger) -> None:
    for token in (forger.token, forger.signed()):
        found = statuses(stack, {"Authorization": f"Bearer {token}"})
        assert found == dict.fromkeys(found, 200)


@pytest.mark.parametrize("scheme", ["Basic", "Token", "Bearer:"])
def test_another_scheme_is_refused_everywhere(stack: Stack, forger: Forger, scheme: str) -> None:
    found = statuses(stack, {"Authorization": f"{scheme} {forger.token}"})
    assert found == dict.fromkeys(found, 401)


def test_a_refresh_token_is_no_access_token(stack: Stack, world: World) -> None:
    found = statuses(stack, {"Authorization": f"Bearer {world.owner.tokens['refresh_token']}"})
    assert found == dict.fromkeys(found, 401)


def test_headers_that_name_somebody_gain_nothing_without_a_token(stack: Stack, world: World) -> None:
    found = statuses(stack, identity_of_owner(world))
    assert found == dict.fromkeys(found, 401)


@pytest.mark.parametrize("place", ["gateway", "auth"])
def test_headers_that_name_somebody_else_change_nobody(stack: Stack, world: World, place: str) -> None:
    headers = {**identity_of_owner(world), "Authorization": f"Bearer {world.viewer.token}"}
    me: dict[str, Any] = HTTP.get(f"{stack.urls[place]}/api/v1/auth/me", headers=headers).json()
    assert me == world.viewer.me


def test_headers_that_name_an_admin_give_no_rights(stack: Stack, world: World) -> None:
    headers = {**identity_of_owner(world), "Authorization": f"Bearer {world.viewer.token}"}
    for place in ("gateway", "modules"):
        body = {"kind": "document", "data": {"title": "Rider"}}
        answer = HTTP.post(f"{stack.urls[place]}/api/v1/modules", json=body, headers=headers)
        assert answer.status_code == 403


def test_a_token_in_an_address_is_refused(stack: Stack, world: World) -> None:
    answer = HTTP.get(f"{stack.url}/api/v1/chats", params={"access_token": world.owner.token})
    assert answer.status_code in (400, 401)


def identity_of_owner(world: World) -> dict[str, str]:
    names = {"user": world.owner.id, "organisation": world.organisation.id}
    return {header: value.format_map(names) for header, value in IDENTITY_HEADERS.items()}
