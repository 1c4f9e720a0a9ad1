"""A gateway as tests drive it: wired by its own container, on sockets, in front of a service that tests play."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import httpx
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.component import Component
from chassis.health import Status
from chassis.http.protocol import BoundedProtocol
from chassis.serve import ROLES, Parts
from chassis.testing.tokens import TestKeys
from chassis.testing.waiting import running
from gateway.container import build
from gateway.routes import SERVICES
from gateway.settings import Settings

Handler = Callable[["Seen", Receive, Send], Awaitable[None]]


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Serves an app on a free port, as a process would; answers its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@dataclass
class Seen:
    """A request as the service saw it."""

    method: str
    target: str
    headers: list[tuple[bytes, bytes]]
    peer: tuple[str, int]
    body: bytes = b""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the handler has ended, whatever the reason."""

    def header(self, name: str) -> list[bytes]:
        return [value for known, value in self.headers if known == name.encode()]


class FakeService:
    """Stands in for all services: notes each request and answers by path; by default with an empty object."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.handlers: dict[str, Handler] = {}

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = scope["raw_path"].decode() + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
        seen = Seen(scope["method"], target, scope["headers"], scope["client"])
        self.seen.append(seen)
        try:
            handler = self.handlers.get(scope["path"])
            if handler is None:
                await _drain(seen, receive)
                await answer(send, 200, b"{}", {"content-type": "application/json"})
            else:
                await handler(seen, receive, send)
        finally:
            seen.ended.set()


async def _drain(seen: Seen, receive: Receive) -> None:
    more = True
    while more:
        message = await receive()
        seen.body += message.get("body", b"")
        more = message.get("more_body", False)


async def answer(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def json_handler(document: object, status: int = 200) -> Handler:
    async def handler(seen: Seen, receive: Receive, send: Send) -> None:
        await answer(send, status, json.dumps(document).encode(), {"content-type": "application/json"})

    return handler


@dataclass(frozen=True)
class Replica:
    """One running gateway. `http` is a client of it; `address` is for those who speak to sockets themselves."""

    address: str
    http: httpx.AsyncClient
    keys: TestKeys
    parts: Parts
    components: Sequence[Component]

    async def healthy(self) -> bool:
        return all(component.health().status is Status.HEALTHY for component in self.components)


def settings_for(service: str, **more: object) -> Settings:
    """Settings whose upstreams are all at one address. Without `more` there is no broker."""
    values: dict[str, object] = {
        "environment": "development",
        "http_port": 1,
        "metrics_port": 1,
        "kafka_bootstrap": "127.0.0.1:1",
        "kafka_username": "gateway",
        "kafka_password": "gateway",
        "jwks_url": "http://127.0.0.1:1/jwks.json",
        "slot": 0,
        "upstreams": dict.fromkeys(SERVICES, service),
        **more,
    }
    return Settings.model_validate(values)


@asynccontextmanager
async def replica(settings: Settings, keys: TestKeys, *roles: str) -> AsyncIterator[Replica]:
    """A running gateway; its components run as well."""
    parts = build(settings, keys=keys)
    components = parts.components(roles or ROLES)
    app = parts.app(lambda: {component.name: component.health() for component in components})
    async with running(*components), serving(app) as address:
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=address, timeout=20, limits=limits, trust_env=False) as http:
            yield Replica(address, http, keys, parts, components)
        for call in parts.closing:
            call()
    for close in parts.close:
        await close()
