"""Clients that drive the running system through its gateway and write down what they tried and saw."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field

import httpx

from .history import History, Json, Outcome
from .workload import Generator, Known, Request, Weights

TIMEOUT_S = 10.0
TOKEN_S = 240.0
"""Signs in again after so long: a token lives for ten minutes."""

SETTLING_S = 60.0

SIGNS_OUT = 0.02
"""The share of a client's requests before which it ends its session."""

_NO_EFFECT = range(400, 500)


class SetUpFailed(Exception):
    """The system was not well before anything was done to it."""


@dataclass
class Account:
    """A person in an organisation, with a client of HTTP of their own."""

    url: str
    name: str
    http: httpx.AsyncClient = field(init=False)
    email: str = field(init=False)
    password: str = field(default_factory=lambda: f"correct horse battery {secrets.token_hex(8)}")
    id: str = ""
    organisation: str = ""
    signed_in: float = 0.0
    revoked: list[str] = field(default_factory=list)
    """Access tokens of sessions that have ended."""

    def __post_init__(self) -> None:
        self.http = httpx.AsyncClient(base_url=self.url, timeout=TIMEOUT_S, verify=False)
        self.email = f"{self.name}.{secrets.token_hex(6)}@example.com"

    async def sign_up(self, **extra: str) -> None:
        """Registers and signs in. Raises SetUpFailed."""
        body = {"email": self.email, "password": self.password, "name": self.name, **extra}
        await self.call("POST", "/api/v1/auth/register", 202, json=body)
        if not await self.sign_in():
            raise SetUpFailed(f"{self.name} cannot sign in")
        self.id = (await self.call("GET", "/api/v1/auth/me", 200))["id"]
        self.organisation = (await self.call("GET", "/api/v1/organisation", 200))["id"]

    async def sign_in(self) -> bool:
        """Gets a token. False when that did not work: the old one serves on."""
        try:
            answer = await self.http.post(
                "/api/v1/auth/login", json={"email": self.email, "password": self.password}, headers={}
            )
        except httpx.TransportError:
            return False
        if answer.status_code != 200:
            return False
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self.signed_in = time.monotonic()
        return True

    async def sign_out(self) -> httpx.Response:
        """Ends the session; its token is refused from then on. Raises httpx.HTTPError."""
        token = self.http.headers["Authorization"]
        answer = await self.http.post("/api/v1/auth/logout")
        if answer.is_success:
            self.revoked.append(token)
        return answer

    async def call(self, method: str, path: str, status: int, **request: Json) -> Json:
        """A request of the setting up. Raises SetUpFailed."""
        answer = await self.http.request(method, path, **request)  # type: ignore[arg-type]
        if answer.status_code != status:
            raise SetUpFailed(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        found: Json = answer.json() if answer.content else {}
        return found


async def organisation_of(url: str, name: str, members: int) -> tuple[list[Account], str]:
    """An organisation of so many people, and the id of its agent, as soon as a chat with it can be opened."""
    founder = Account(url, f"{name}-0")
    await founder.sign_up(organisation_name=name)
    people = [founder]
    for number in range(1, members):
        person = Account(url, f"{name}-{number}")
        invitation = await founder.call(
            "POST", "/api/v1/organisation/invitations", 201, json={"email": person.email, "role": "editor"}
        )
        await person.sign_up(invitation_token=invitation["token"])
        people.append(person)
    async with asyncio.timeout(SETTLING_S):
        return people, await _agent_of(founder, [person.id for person in people])


async def _agent_of(founder: Account, people: list[str]) -> str:
    while True:
        found = (await founder.call("GET", "/api/v1/agents", 200))["items"]
        body = {"title": "Settled", "participants": people, "agent_id": found[0]["id"]} if found else {}
        if found and (await founder.http.post("/api/v1/chats", json=body)).status_code == 201:
            return str(found[0]["id"])
        await asyncio.sleep(0.1)


class Client:
    """Asks one thing after the other until told to stop, and sometimes behaves as no client should."""

    def __init__(self, account: Account, history: History, seed: int, known: Known, weights: Weights) -> None:
        self._account, self._history, self._known = account, history, known
        self._generator = Generator(seed, account.name, weights)
        self._random = self._generator.random

    async def run(self, until: asyncio.Event, pause_s: tuple[float, float]) -> None:
        """One request after the other, with a random pause in between."""
        while not until.is_set():
            if time.monotonic() - self._account.signed_in > TOKEN_S:
                await self._account.sign_in()
            if self._random.random() < SIGNS_OUT:
                await self._sign_out()
            await self._once(self._generator.next(self._known))
            await asyncio.sleep(self._random.uniform(*pause_s))

    async def _sign_out(self) -> None:
        """Whether the old session has ended or nobody knows: a new one begins."""
        number = self._history.invoke(self._account.name, "sign-out", {})
        try:
            answer = await self._account.sign_out()
            self._history.end(number, "ok" if answer.is_success else "info", {"status": answer.status_code})
        except httpx.HTTPError as error:
            self._history.end(number, "info", {"error": type(error).__name__})
        while not await self._account.sign_in():  # noqa: ASYNC110  another process has to answer
            await asyncio.sleep(0.5)

    async def _once(self, request: Request) -> None:
        chosen = self._random.random()
        if chosen < 0.08 and request.key is not None:
            await asyncio.gather(self._send(request), self._send(request))
        elif chosen < 0.13:
            await self._send(request, patience_s=self._random.uniform(0, 0.05))
        elif await self._send(request) == "info" and request.key is not None:
            for _ in range(2):
                await asyncio.sleep(self._random.uniform(0.1, 2))
                if await self._send(request) != "info":
                    return

    async def _send(self, request: Request, patience_s: float = TIMEOUT_S) -> Outcome:
        number = self._history.invoke(self._account.name, request.op, _told(request))
        try:
            async with asyncio.timeout(patience_s):
                answer = await self._account.http.request(
                    request.method, request.path, json=request.body, headers=request.headers
                )
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            self._history.end(number, "info", {"error": type(error).__name__})
            return "info"
        return self._ended(number, request, answer)

    def _ended(self, number: int, request: Request, answer: httpx.Response) -> Outcome:
        told: Json = {"status": answer.status_code, "request_id": answer.headers.get("x-request-id")}
        if answer.is_success:
            body = answer.json() if answer.content else {}
            self._known.learn(request, body)
            self._history.end(number, "ok", {**told, **_ids(body)})
            return "ok"
        told["problem"] = answer.text[:300]
        outcome: Outcome = "fail" if answer.status_code in _NO_EFFECT else "info"
        self._history.end(number, outcome, told)
        self._known.forget(request)
        return outcome


def _told(request: Request) -> Json:
    return {
        "unique": request.unique,
        "key": request.key,
        "method": request.method,
        "path": request.path,
        "revision": request.revision,
    }


def _ids(body: Json) -> Json:
    """Of an answer, what its effect is found by."""
    names = ("id", "run_id", "chat_id", "number", "revision", "status")
    return {f"answer_{name}": body[name] for name in names if name in body}
