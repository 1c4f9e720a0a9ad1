"""People with a client of the API, in organisations of their own: how tests are kept apart on one running stack."""

import secrets
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from .stack import PATIENCE_S, eventually

Json = dict[str, Any]

SECONDS = 15.0


@dataclass
class Person:
    """Somebody at the gateway; `http` sends their token once they have signed in."""

    name: str
    http: httpx.Client
    email: str = field(default_factory=lambda: f"somebody.{secrets.token_hex(8)}@example.com")
    password: str = field(default_factory=lambda: f"correct horse battery {secrets.token_hex(8)}")
    tokens: Json = field(default_factory=dict)
    me: Json = field(default_factory=dict)

    @property
    def token(self) -> str:
        """The access token."""
        return str(self.tokens["access_token"])

    @property
    def id(self) -> UUID:
        return UUID(self.me["id"])

    def sign_up(self, **extra: str) -> None:
        """Registers and signs in."""
        body = {**self.credentials, "name": self.name, **extra}
        self.call("POST", "/api/v1/auth/register", 202, json=body)
        self.sign_in()

    @property
    def credentials(self) -> Json:
        """What signs them in."""
        return {"email": self.email, "password": self.password}

    def sign_in(self) -> None:
        """Gets tokens, and sends the access token from now on."""
        self.tokens = self.call("POST", "/api/v1/auth/login", 200, json=self.credentials)
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        self.me = self.call("GET", "/api/v1/auth/me", 200)

    def call(self, method: str, path: str, status: int, **request: Any) -> Json:
        """A request that must answer `status`; the body of its answer."""
        answer = self.http.request(method, path, **request)
        assert answer.status_code == status, f"{self.name}: {method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else {}

    def listed(self, path: str) -> list[Json]:
        """The items of a list."""
        return list(self.call("GET", path, 200)["items"])


@dataclass
class Organisation:
    """An organisation and who is in it; `founder` is its first admin."""

    url: str
    founder: Person
    id: UUID
    members: list[Person] = field(default_factory=list)

    @classmethod
    def founded(cls, url: str) -> "Organisation":
        """A new one, with the assistant that each gets."""
        founder = a_person(url, "Ada")
        founder.sign_up(organisation_name=f"Night Owl {secrets.token_hex(4)}")
        organisation = cls(url, founder, UUID(founder.call("GET", "/api/v1/organisation", 200)["id"]))
        eventually(lambda: founder.listed("/api/v1/agents"), "the organisation has an assistant")
        return organisation

    def join(self, role: str) -> Person:
        """A new member with this role."""
        person = a_person(self.url, f"a {role}")
        body = {"email": person.email, "role": role}
        invitation = self.founder.call("POST", "/api/v1/organisation/invitations", 201, json=body)
        person.sign_up(invitation_token=invitation["token"])
        self.members.append(person)
        return person

    @property
    def assistant(self) -> Json:
        """Its first agent."""
        return self.founder.listed("/api/v1/agents")[0]


def a_person(url: str, name: str) -> Person:
    """Somebody who has not signed up yet."""
    # No certificates are loaded: over plain HTTP they serve nobody, and take 40 ms of processor time.
    return Person(name, httpx.Client(base_url=url, timeout=SECONDS, verify=False))


@dataclass
class Conversation:
    """A chat of one person with the assistant."""

    person: Person
    chat_id: str

    @classmethod
    def opened(cls, person: Person) -> "Conversation":
        """A new chat; waits until chats has heard of the assistant."""
        body = {"title": "Plans", "agent_id": person.listed("/api/v1/agents")[0]["id"]}

        def opening() -> Json | None:
            answer = person.http.post("/api/v1/chats", json=body)
            return answer.json() if answer.status_code == 201 else None

        return cls(person, eventually(opening, "a chat with the assistant opens")["id"])

    @property
    def path(self) -> str:
        """Of its messages."""
        return f"/api/v1/chats/{self.chat_id}/messages"

    def ask(self, text: str) -> Json:
        """Writes a message, which starts a run."""
        return self.person.call("POST", self.path, 201, json={"text": text})

    @property
    def messages(self) -> list[Json]:
        """All of them, the oldest first."""
        return self.person.listed(self.path)

    def reply(self, seconds: float = PATIENCE_S) -> Json:
        """The newest message, waited for until it is the agent's or a note of the system."""

        def last() -> Json | None:
            found = self.messages[-1]
            return found if found["author"]["kind"] != "user" else None

        return eventually(last, "the question is answered", seconds)
