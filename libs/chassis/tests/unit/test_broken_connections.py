"""A connection to the broker that is closed while somebody writes to it is broken, and nothing worse."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

import chassis.kafka.connection  # noqa: F401  which mends every client of the process

SENDS: dict[str, Callable[[AIOKafkaConnection], Any]] = {
    "a request": lambda one: one.send(MetadataRequest([])),
    "a password": lambda one: one._send_sasl_token(b"secret"),
}


async def _sent_when_closed(send: Callable[[AIOKafkaConnection], Any]) -> AIOKafkaConnection:
    """Writes to a connection of which the loop alone knows yet that it is closed."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    one = AIOKafkaConnection("127.0.0.1", port)
    _reader, one._writer = await asyncio.open_connection("127.0.0.1", port)
    one._versions = {MetadataRequest.API_KEY: (0, 1)}
    one._writer.transport.abort()
    await asyncio.sleep(0)
    server.close()
    with pytest.raises(KafkaConnectionError):
        await send(one)
    return one


@pytest.mark.parametrize("send", SENDS.values(), ids=SENDS)
def test_writing_to_a_closed_connection_finds_it_broken(send: Callable[[AIOKafkaConnection], Awaitable[Any]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        one = runner.run(_sent_when_closed(send))
    assert not one.connected()
