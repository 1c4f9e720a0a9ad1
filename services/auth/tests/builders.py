"""People of auth as tests need them; what a test does not name is made up."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx

from auth.domain.membership import MemberRole, Membership
from chassis.core import new_id

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
PASSWORD = "seven owls over a quiet harbour"

Json = dict[str, Any]


def a_membership(role: MemberRole = MemberRole.EDITOR) -> Membership:
    return Membership.grant(new_id(), new_id(), role, now=NOW)


def an_address() -> str:
    return f"somebody.{uuid4().hex[:12]}@example.com"


@dataclass
class Person:
    """Somebody with a client of the service."""

    http: httpx.AsyncClient
    email: str = field(default_factory=an_address)
    password: str = PASSWORD
    tokens: Json = field(default_factory=dict)

    async def sign_up(self, **extra: str) -> "Person":
        """Registers and signs in."""
        answer = await self.register(**extra)
        assert answer.status_code == 202, answer.text
        return await self.sign_in()

    async def register(self, **extra: str) -> httpx.Response:
        body = {"email": self.email, "password": self.password, "name": "Ada Lovelace", **extra}
        return await self.http.post("/api/v1/auth/register", json=body)

    async def sign_in(self, **extra: str) -> "Person":
        answer = await self.login(**extra)
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json()
        return self

    async def login(self, **extra: str) -> httpx.Response:
        body = {"email": self.email, "password": self.password, **extra}
        return await self.http.post("/api/v1/auth/login", json=body)

    async def refresh(self, token: str | None = None) -> httpx.Response:
        token = token or self.tokens["refresh_token"]
        return await self.http.post("/api/v1/auth/refresh", json={"refresh_token": token})

    async def call(self, method: str, path: str, *, if_match: int | None = None, **request: Any) -> httpx.Response:
        """A request with the person's access token."""
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}", **request.pop("headers", {})}
        if if_match is not None:
            headers["If-Match"] = f'"{if_match}"'
        return await self.http.request(method, f"/api/v1{path}", headers=headers, **request)

    async def me(self) -> Json:
        found: Json = (await self.call("GET", "/auth/me")).json()
        return found

    async def id(self) -> UUID:
        return UUID((await self.me())["id"])

    async def org_id(self) -> UUID:
        return UUID((await self.me())["organisation"]["id"])

    async def invite(self, email: str, role: str = "editor") -> Json:
        answer = await self.call("POST", "/organisation/invitations", json={"email": email, "role": role})
        assert answer.status_code == 201, answer.text
        invited: Json = answer.json()
        return invited

    async def with_member(self, role: str = "editor") -> "Person":
        """A new member of this person's organisation."""
        person = Person(self.http)
        invited = await self.invite(person.email, role)
        return await person.sign_up(invitation_token=invited["token"])
