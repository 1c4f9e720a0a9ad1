"""A process starts, tells its health, and ends in order; wrong settings are named."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

SCRIPT = Path(__file__).with_name("small_service.py")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def environment(**changes: str | None) -> dict[str, str]:
    settings = {
        "PATH": os.environ["PATH"],
        "STOA_ENVIRONMENT": "development",
        "STOA_HTTP_PORT": str(free_port()),
        "STOA_METRICS_PORT": str(free_port()),
        "STOA_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "STOA_KAFKA_USERNAME": "small",
        "STOA_KAFKA_PASSWORD": "small",
        "STOA_JWKS_URL": "http://127.0.0.1:1/jwks",
        **changes,
    }
    return {name: value for name, value in settings.items() if value is not None}


class Running:
    """A started process and what it has written so far."""

    def __init__(self, process: asyncio.subprocess.Process, base: str) -> None:
        self.process = process
        self.base = base
        self.lines: list[str] = []
        self._news = asyncio.Event()

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().rstrip("\n"))
            self._news.set()

    async def answers(self, path: str, status: int) -> httpx.Response:
        deadline = time.monotonic() + 15
        async with httpx.AsyncClient(base_url=self.base) as client:
            while time.monotonic() < deadline:
                try:
                    answer = await client.get(path)
                    if answer.status_code == status:
                        return answer
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.02)
        pytest.fail(f"{path} did not answer {status}: {self.lines}")

    async def written(self, text: str) -> None:
        async with asyncio.timeout(10):
            while not any(text in line for line in self.lines):
                self._news.clear()
                await self._news.wait()

    def logged(self, event: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = [json.loads(line) for line in self.lines if f'"event": "{event}"' in line]
        return found[-1]


@asynccontextmanager
async def started(*words: str, **changes: str | None) -> AsyncIterator[Running]:
    env = environment(**changes)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), *words, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    running = Running(process, f"http://127.0.0.1:{env.get('STOA_HTTP_PORT', 0)}")
    reading = asyncio.create_task(running.read())
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


async def test_a_process_serves_and_ends_in_order() -> None:
    async with started("serve") as running:
        ready = await running.answers("/health/ready", 200)
        assert ready.json()["checks"] == {"ticking": {"status": "healthy", "line": "ticks"}}
        async with httpx.AsyncClient(base_url=running.base) as client:
            slow = asyncio.create_task(client.get("/api/v1/slow"))
            await running.written("slow begun")
            running.process.send_signal(signal.SIGTERM)
            assert (await slow).text == "done"
        assert await asyncio.wait_for(running.process.wait(), 10) == 0
        await running.written("process.stopped")
    order = [line for line in running.lines if line in ("slow begun", "ticking stopped", "pools closed")]
    assert order == ["slow begun", "ticking stopped", "pools closed"]
    answered = running.logged("http.answered")
    assert (answered["route"], answered["status"], answered["service"]) == ("GET /api/v1/slow", 200, "small")
    assert len(answered["trace_id"]) == 32
    assert answered["request_id"]


async def test_what_is_missing_is_named_while_the_process_lives() -> None:
    async with started("serve", SMALL_COMPONENT="waits") as running:
        ready = await running.answers("/health/ready", 503)
        assert ready.json()["checks"]["ticking"]["line"] == "not started"
        await running.answers("/health/live", 200)


async def test_roles_choose_what_runs() -> None:
    async with started("serve", "--roles", "relay") as running:
        ready = await running.answers("/health/ready", 200)
        assert ready.json()["checks"] == {}
        await running.answers("/api/v1/slow", 404)
    async with started("serve", "--roles", "king") as running:
        assert await asyncio.wait_for(running.process.wait(), 10) == 2
        await running.written("king")


async def test_a_component_that_gives_up_ends_the_process() -> None:
    async with started("serve", SMALL_COMPONENT="fails") as running:
        assert await asyncio.wait_for(running.process.wait(), 15) == 70
        await running.written("process.component_ended")
    assert running.logged("process.component_ended")["component"] == "ticking"
    assert "pools closed" in running.lines


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"STOA_HTTP_PORT": None}, "STOA_HTTP_PORT"),
        ({"STOA_HTTP_PORT": "many"}, "STOA_HTTP_PORT"),
        ({"STOA_KAFKA_NAMESPACE": "no prefix"}, "STOA_KAFKA_NAMESPACE"),
        ({"STOA_ENVIRONMENT": "moon"}, "STOA_ENVIRONMENT"),
        ({"STOA_ENCRYPTION_KEYS": "secret-canary"}, "STOA_ENCRYPTION_KEYS"),
        ({"STOA_ENCRYPTION_KEYS": '["secret-canary"]'}, "STOA_ENCRYPTION_KEYS"),
        ({"STOA_ENVIRONMENT": "production"}, "STOA_ENCRYPTION_KEYS"),
    ],
)
async def test_a_wrong_setting_is_named_and_refused(changes: dict[str, str | None], name: str) -> None:
    async with started("serve", **changes) as running:
        assert await asyncio.wait_for(running.process.wait(), 10) == 78
    assert len(running.lines) == 1
    assert name in running.lines[0]
    assert "secret-canary" not in running.lines[0]


async def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with started("serve", STOA_HTTP_PORT=str(taken.getsockname()[1])) as running:
            assert await asyncio.wait_for(running.process.wait(), 10) == 78
    assert "STOA_HTTP_PORT" in running.lines[0]


async def test_metrics_are_on_their_own_port_and_name_the_service() -> None:
    port = str(free_port())
    async with started("serve", STOA_METRICS_PORT=port) as running:
        await running.answers("/api/v1/nothing", 404)
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
        await running.answers("/metrics", 404)
    assert 'stoa_http_request_duration_seconds_count{outcome="404",route="GET -",service="small"} 1.0' in text
    assert re.search(r'^stoa_tasks{service="small"} [1-9]', text, re.MULTILINE)
