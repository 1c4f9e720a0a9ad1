"""Streams of services end with the right to see them, like the gateway's own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from starlette.types import Receive, Send

from chassis.http.tokens import Caller
from chassis.testing.tokens import a_caller

from ..feed_stage import Publisher
from ..stage import FakeService, Replica, Seen

PATH = "/api/v1/runs/1/events"


async def endless(seen: Seen, receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass


@pytest.fixture(autouse=True)
def run_stream(service: FakeService) -> None:
    service.handlers[PATH] = endless


@asynccontextmanager
async def following(gateway: Replica, caller: Caller) -> AsyncIterator[AsyncIterator[bytes]]:
    async with gateway.http.stream("GET", PATH, headers=gateway.keys.headers(caller)) as found:
        parts = found.aiter_raw()
        assert await anext(parts) == b"data: 1\n\n"
        yield parts


async def test_a_revocation_ends_a_stream_of_a_service(
    gateway_on_kafka: Replica, publisher: Publisher, service: FakeService
) -> None:
    caller = a_caller()
    async with following(gateway_on_kafka, caller) as parts:
        await publisher.revoke(caller)
        async with asyncio.timeout(2):
            assert [part async for part in parts] == []
    await asyncio.wait_for(service.last.ended.wait(), 2)


async def test_a_stream_of_a_service_ends_with_the_token(gateway: Replica, service: FakeService) -> None:
    async with following(gateway, a_caller(lifetime=timedelta(seconds=1.2))) as parts:
        async with asyncio.timeout(4):
            assert [part async for part in parts] == []
    await asyncio.wait_for(service.last.ended.wait(), 2)


async def test_a_client_that_goes_away_ends_the_stream_at_the_service(gateway: Replica, service: FakeService) -> None:
    async with following(gateway, a_caller()):
        pass
    await asyncio.wait_for(service.last.ended.wait(), 2)


async def test_a_revoked_caller_is_refused_everywhere(gateway_on_kafka: Replica, publisher: Publisher) -> None:
    caller = a_caller()
    headers = gateway_on_kafka.keys.headers(caller)
    assert (await gateway_on_kafka.http.get("/api/v1/chats", headers=headers)).status_code == 200
    await publisher.revoke(caller)
    async with asyncio.timeout(2):
        while (await gateway_on_kafka.http.get("/api/v1/chats", headers=headers)).status_code != 401:
            pass
