"""The gateway as a process of its own: `python -m gateway serve`."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from chassis.testing.tokens import TestKeys, a_caller
from chassis.testing.waiting import eventually
from gateway.routes import SERVICES
from local_stack.ports import free_ports

from ..feed_stage import Publisher, an_organisation, listening
from ..stage import FakeService, json_handler


@asynccontextmanager
async def process(environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "gateway", "serve"),
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


def environment_of(address: str, kafka: dict[str, str]) -> dict[str, str]:
    http_port, metrics_port = free_ports(2)
    return {
        "STOA_ENVIRONMENT": "development",
        "STOA_HTTP_PORT": str(http_port),
        "STOA_METRICS_PORT": str(metrics_port),
        "STOA_JWKS_URL": f"{address}/.well-known/jwks.json",
        "STOA_SLOT": "7",
        "STOA_UPSTREAMS": json.dumps(dict.fromkeys(SERVICES, address)),
        **{f"STOA_{name.upper()}": value for name, value in kafka.items()},
    }


async def test_it_serves_and_ends_its_streams_when_it_is_told_to_stop(
    served: tuple[FakeService, str], service: FakeService, kafka_settings: dict[str, str], publisher: Publisher
) -> None:
    keys, caller = TestKeys(), a_caller()
    service.handlers["/.well-known/jwks.json"] = json_handler({"keys": [keys.signing.as_dict(private=False)]})
    service.handlers["/health/ready"] = json_handler({"status": "healthy", "checks": {}})
    environment = environment_of(served[1], kafka_settings)
    address = f"http://127.0.0.1:{environment['STOA_HTTP_PORT']}"
    async with process(environment) as running, httpx.AsyncClient(base_url=address, trust_env=False) as http:

        async def healthy() -> bool:
            try:
                return bool((await http.get("/health/ready")).json()["status"] == "healthy")
            except httpx.TransportError:
                return False

        await eventually(healthy, within=30)
        async with listening(http, keys, caller) as stream:
            await stream.frame()
            await publisher.publish(an_organisation(caller.org_id), org_id=caller.org_id)
            await stream.event()
            metrics = (await http.get(f"http://127.0.0.1:{environment['STOA_METRICS_PORT']}/metrics")).text
            told = time.monotonic()
            running.send_signal(signal.SIGTERM)
            await stream.ended(within=3)
        assert await asyncio.wait_for(running.wait(), 10) == 0
        assert time.monotonic() - told < 10
    assert 'stoa_gateway_open_streams{service="gateway"} 1.0' in metrics
    assert str(caller.org_id) not in metrics
    assert running.stdout is not None
    lines = [
        json.loads(line) for line in (await running.stdout.read()).decode().splitlines() if "http.answered" in line
    ]
    [answered] = [line for line in lines if line["route"] == "GET /api/v1/events"]
    assert len(answered["trace_id"]) == 32
    assert set(answered["trace_id"]) != {"0"}
    assert answered["org_id"] == str(caller.org_id)


async def test_a_wrong_setting_refuses_the_start_and_is_named() -> None:
    nowhere = {"kafka_bootstrap": "127.0.0.1:1", "kafka_username": "gateway", "kafka_password": "gateway"}
    async with process({**environment_of("http://127.0.0.1:1", nowhere), "STOA_UPSTREAMS": "{}"}) as running:
        said, _ = await asyncio.wait_for(running.communicate(), 30)
    assert running.returncode == 78
    assert "start refused: STOA_UPSTREAMS" in said.decode()
