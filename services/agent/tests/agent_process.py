"""The service as a process of its own, `python -m agent serve`, that can be made to die at a named point."""

import asyncio
import json
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from pydantic import SecretStr

from agent.settings import Settings
from chassis.kafka.connection import Kafka
from chassis.testing.processes import Forked
from chassis.testing.service import RunningService
from chassis.testing.tokens import TestKeys
from chassis.testing.topics import topics_on
from chassis.testing.waiting import eventually


class AgentProcess:
    """`service` reaches it. It is killed and started again at the same address, with the same data."""

    def __init__(self, settings: Settings, keys: TestKeys, folder: Path, jwks_url: str) -> None:
        self._folder = folder
        self._environment = _environment(settings) | {
            "STOA_HTTP_PORT": str(_free_port()),
            "STOA_METRICS_PORT": str(_free_port()),
            "STOA_JWKS_URL": jwks_url,
            "STOA_CRASH_FOLDER": str(folder),
        }
        self._process: Forked | None = None
        http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._environment['STOA_HTTP_PORT']}", timeout=60)
        self.service = RunningService(http, keys, Kafka.of(settings, client_id="agent-test"))

    async def start(self) -> None:
        """Starts it and waits until it is ready."""
        self._process = await asyncio.to_thread(self._begin)
        await eventually(self._ready, within=60)

    def _begin(self) -> Forked:
        log, preload = self._folder / "log", ["agent.container", "agent.adapters.agent_loop"]
        return Forked("agent", "serve", environment=self._environment, preload=preload, log=log)

    def arm(self, point: str) -> None:
        """From now on it dies when it passes `point`, once."""
        (self._folder / "agent").write_text(point)

    async def died(self) -> None:
        """Waits until it has killed itself."""
        assert self._process is not None
        code = await asyncio.wait_for(asyncio.to_thread(self._process.wait), 30)
        assert code == -signal.SIGKILL

    async def kill(self) -> None:
        """Kills it, if it lives."""
        if self._process is not None:
            await asyncio.to_thread(self._process.kill)

    async def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()[-5000:]
        try:
            answer = await self.service.http.get("/health/ready")
        except httpx.TransportError:
            return False
        checks = answer.json()["checks"].values() if answer.status_code == 200 else [{"status": "unhealthy"}]
        return all(check["status"] == "healthy" for check in checks)


@asynccontextmanager
async def agent_process(settings: Settings, folder: Path) -> AsyncIterator[AgentProcess]:
    """A process that is not started yet, its topics, and auth's published keys."""
    keys = TestKeys()
    with _published(keys) as jwks_url:
        process = AgentProcess(settings, keys, folder, jwks_url)
        async with topics_on(process.service.kafka):
            try:
                yield process
            finally:
                await process.kill()
                await process.service.http.aclose()


@contextmanager
def _published(keys: TestKeys) -> Iterator[str]:
    """A key set at an address, as auth has it."""
    document = json.dumps({"keys": [keys.signing.as_dict(private=False)]}).encode()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(document)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/jwks.json"
        server.shutdown()


def _environment(settings: Settings) -> dict[str, str]:
    made = {name: value for name, value in os.environ.items() if not name.startswith("STOA_")}
    for name, value in settings:
        if value is None:
            continue
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if isinstance(text, tuple):
            text = json.dumps([key.get_secret_value() for key in text])
        made[f"STOA_{name.upper()}"] = str(text)
    return made


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
