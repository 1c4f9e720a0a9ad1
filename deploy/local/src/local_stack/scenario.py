"""The product's main job as two clients see it, through the gateway alone.

A person asks in a chat, an agent acts, and a second person sees it live. Both the demo and the end-to-end tests run it.
"""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

WAIT_S = 20.0
"""How long any one step may take before the scenario has failed."""

PROJECT = "Summer Tour"

Json = dict[str, Any]


class ScenarioFailed(Exception):
    """A step did not do what it should; the message says which and what came instead."""


@dataclass(frozen=True)
class Seen:
    """A live event as the second person saw it, `after_ms` after the question was sent."""

    kind: str
    data: Json
    after_ms: float


@dataclass
class Story:
    """What happened, filled in step by step."""

    trace_id: str = field(default_factory=lambda: secrets.token_hex(16))
    organisation: Json = field(default_factory=dict)
    first: Json = field(default_factory=dict)
    second: Json = field(default_factory=dict)
    agent: Json = field(default_factory=dict)
    chat: Json = field(default_factory=dict)
    question: Json = field(default_factory=dict)
    reply: Json = field(default_factory=dict)
    project: Json = field(default_factory=dict)
    history: list[Json] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    asked_at: float = 0.0
    seconds: float = 0.0


class Person:
    """Somebody with a client of the API. All requests of one story carry one trace."""

    def __init__(self, url: str, trace_id: str, name: str) -> None:
        self.name = name
        self.email = f"{name.lower()}.{secrets.token_hex(6)}@example.com"
        self._password = f"correct horse battery {secrets.token_hex(8)}"
        traceparent = f"00-{trace_id}-{secrets.token_hex(8)}-01"
        self.http = httpx.AsyncClient(base_url=url, headers={"traceparent": traceparent}, timeout=WAIT_S)

    async def sign_up(self, **extra: str) -> None:
        """Registers and signs in."""
        body = {"email": self.email, "password": self._password, "name": self.name, **extra}
        await self.call("POST", "/api/v1/auth/register", 202, json=body)
        credentials = {"email": self.email, "password": self._password}
        tokens = await self.call("POST", "/api/v1/auth/login", 200, json=credentials)
        self.http.headers["Authorization"] = f"Bearer {tokens['access_token']}"

    async def call(self, method: str, path: str, status: int, **request: Any) -> Json:
        """A request that must answer `status`. Raises ScenarioFailed with the problem it answered instead."""
        answer = await self.http.request(method, path, **request)
        if answer.status_code != status:
            raise ScenarioFailed(f"{self.name}: {method} {path} answered {answer.status_code}: {answer.text[:500]}")
        body: Json = answer.json() if answer.content else {}
        return body

    @asynccontextmanager
    async def feed(self, types: str) -> AsyncIterator[AsyncIterator[Json]]:
        """The live feed, open when this is entered; yields each event."""
        timeout = httpx.Timeout(WAIT_S, read=WAIT_S)
        async with self.http.stream("GET", "/api/v1/events", params={"types": types}, timeout=timeout) as answer:
            if answer.status_code != 200:
                raise ScenarioFailed(f"{self.name}: the live feed answered {answer.status_code}")
            lines = answer.aiter_lines()
            await anext(lines)  # the first heartbeat says that the subscription stands
            yield _events(lines)


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[Json]:
    async for line in lines:
        if line.startswith("data:"):
            yield json.loads(line.removeprefix("data:"))


async def run(url: str) -> Story:
    """Runs the whole scenario against the gateway at `url`. Raises ScenarioFailed or an error of httpx."""
    story = Story()
    begun = time.monotonic()
    first, second = (Person(url, story.trace_id, name) for name in ("Ada", "Grace"))
    async with first.http, second.http:
        await _sign_up(story, first, second)
        await _open_chat(story, first)
        async with second.feed("modules.*,chats.*,agent.*") as events:
            watching = asyncio.create_task(_watch(story, events))
            try:
                await _ask(story, first)
                async with asyncio.timeout(WAIT_S):
                    await watching
            finally:
                watching.cancel()
        await _read_results(story, first)
    story.seconds = time.monotonic() - begun
    return story


async def _sign_up(story: Story, first: Person, second: Person) -> None:
    await first.sign_up(organisation_name="Night Owl Touring")
    story.first = await first.call("GET", "/api/v1/auth/me", 200)
    story.organisation = await first.call("GET", "/api/v1/organisation", 200)
    invitation = await first.call(
        "POST", "/api/v1/organisation/invitations", 201, json={"email": second.email, "role": "editor"}
    )
    await second.sign_up(invitation_token=invitation["token"])
    story.second = await second.call("GET", "/api/v1/auth/me", 200)


async def _open_chat(story: Story, first: Person) -> None:
    """Waits for what travels by events: the organisation's assistant, and the second member."""

    async def assistant() -> Json | None:
        agents = await first.call("GET", "/api/v1/agents", 200)
        return agents["items"][0] if agents["items"] else None

    story.agent = await _until(assistant, "the organisation has an assistant")
    body = {"title": "Planning", "participants": [story.second["id"]], "agent_id": story.agent["id"]}

    async def chat() -> Json | None:
        answer = await first.http.post("/api/v1/chats", json=body)
        return answer.json() if answer.status_code == 201 else None

    story.chat = await _until(chat, "a chat with the second member and the assistant opens")


async def _ask(story: Story, first: Person) -> None:
    story.asked_at = time.monotonic()
    path = f"/api/v1/chats/{story.chat['id']}/messages"
    story.question = await first.call("POST", path, 201, json={"text": f"create a project called {PROJECT}"})


async def _watch(story: Story, events: AsyncIterator[Json]) -> None:
    """Notes what arrives until both the agent's reply and the project have: the feed keeps the order of each object
    alone, so that either may be first. A repeat, told by its event id, is dropped as every client does."""
    missing, known = {"the agent's reply", "the project"}, set()
    async for event in events:
        if event["id"] in known:
            continue
        known.add(event["id"])
        story.seen.append(Seen(event["kind"], event["data"], (time.monotonic() - story.asked_at) * 1000))
        if event["kind"] == "chats.message-sent" and event["data"]["author"]["kind"] != "user":
            missing.discard("the agent's reply")
        if event["kind"] == "modules.module-created":
            missing.discard("the project")
        if not missing:
            return
    raise ScenarioFailed(f"the live feed ended without {' and '.join(sorted(missing))}")


async def _read_results(story: Story, first: Person) -> None:
    messages = await first.call("GET", f"/api/v1/chats/{story.chat['id']}/messages", 200)
    story.reply = messages["items"][-1]
    if story.reply["author"]["kind"] != "agent":
        raise ScenarioFailed(f"the last message is not the agent's: {story.reply['text']}")
    projects = (await first.call("GET", "/api/v1/modules?kind=project", 200))["items"]
    if [project["name"] for project in projects] != [PROJECT]:
        raise ScenarioFailed(f"expected one project called {PROJECT}, found {projects}")
    story.project = projects[0]
    versions = await first.call("GET", f"/api/v1/modules/{story.project['id']}/versions", 200)
    story.history = versions["items"]
    author = story.history[0]["author"]
    if (author["user_id"], author["agent_id"]) != (story.first["id"], story.agent["id"]):
        raise ScenarioFailed(f"the project was not made by the first user through the assistant: {author}")


async def _until(attempt: Callable[[], Awaitable[Json | None]], what: str) -> Json:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        found = await attempt()
        if found is not None:
            return found
        await asyncio.sleep(0.02)
    raise ScenarioFailed(f"after {WAIT_S:.0f} s still not true: {what}")
