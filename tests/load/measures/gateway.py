"""P1, P2: what the gateway adds to a request, and how many it passes on, before a service that does nothing."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from local_stack.ports import free_ports

from ...replica import second
from ..bench import Bench
from ..client import Connection, request
from ..figures import Figure, at_least_times, at_most, at_most_times
from ..pace import open_loop
from ..processes import baseline, listening
from ..sides import at_full_speed
from ..turns import Sample, Side, Turns

_RATE, _SECONDS = 500.0, 3.0
_BARE = "bare aiohttp proxy"
_PATH = "/api/v1/modules/0197c2d6-7b5e-7cc1-a7d6-9b41f0c9a001"

_NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr error;
events {{ worker_connections 256; }}
http {{
    access_log off; keepalive_requests 1000000;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    upstream behind {{ server {upstream}; keepalive 32; keepalive_requests 1000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://behind; }}
    }}
}}
"""


async def measure(bench: Bench) -> list[Figure]:
    """Needs nginx on the path for its row; without it the row is missing."""
    get = request("GET", _PATH, bench.token)
    async with AsyncExitStack() as entered:
        _, backend = await entered.enter_async_context(baseline("backend"))
        gateway = entered.enter_context(second(bench.stack, "gateway", STOA_UPSTREAMS=_all_to(bench, backend)))
        proxy_pid, proxy = await entered.enter_async_context(baseline("proxy", backend))
        ways = {"direct": backend, "gateway": gateway.url}
        if shutil.which("nginx"):
            ways["nginx"] = await entered.enter_async_context(_nginx(backend))
        paced = await bench.in_turn("P1", {name: _paced(url, get) for name, url in ways.items()})
        full = await bench.in_turn(
            "P2",
            {
                "proxy": at_full_speed(proxy, proxy_pid, get),
                "gateway": at_full_speed(gateway.url, gateway.pid, get),
            },
        )
    return [*_added(paced, ways), *_passed(full)]


def _all_to(bench: Bench, url: str) -> str:
    return json.dumps(dict.fromkeys(bench.stack.plan.services, url))


def _paced(url: str, get: bytes) -> Side:
    """One connection, at a fixed rate: the latencies in milliseconds."""

    async def side() -> Sample:
        connection, line = await Connection.to(url), asyncio.Lock()

        async def send(_: int) -> bool:
            async with line:
                return (await connection.ask(get)).status == 200

        load = await open_loop(_RATE, _SECONDS, send)
        connection.close()
        assert not load.failed
        return {"p50": load.ms(0.5), "p99": load.ms(0.99)}

    return side


def _added(paced: Turns, ways: Mapping[str, str]) -> list[Figure]:
    def added(way: str, quantile: str) -> list[float]:
        return [more - less for more, less in zip(paced.of(way, quantile), paced.of("direct", quantile), strict=True)]

    p50, p99 = added("gateway", "p50"), added("gateway", "p99")
    rows = [
        Figure("P1", "added by the gateway, p50", "ms", p50, goal=at_most(0.8)),
        Figure("P1", "added by the gateway, p99", "ms", p99, goal=at_most(2)),
    ]
    if "nginx" in ways:
        nginx = added("nginx", "p50")
        rows.append(Figure("P1", "added by the gateway, p50", "ms", p50, nginx, "added by nginx", at_most_times(4)))
    return rows


def _passed(full: Turns) -> list[Figure]:
    per_core, rate = full.both("gateway", "proxy", "per core"), full.both("gateway", "proxy", "rate")
    return [
        Figure("P2", "passed on per second of its processor time", "1/s", *per_core, _BARE, at_least_times(0.5)),
        Figure("P2", "passed on", "1/s", *rate, _BARE),
    ]


@asynccontextmanager
async def _nginx(upstream: str) -> AsyncIterator[str]:
    [port] = free_ports(1)
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "nginx.conf"
        settings.write_text(_NGINX.format(folder=folder, port=port, upstream=urlsplit(upstream).netloc))
        async with listening(port, "nginx", "-p", folder, "-c", str(settings)):
            yield f"http://127.0.0.1:{port}"
