"""A client that takes too little of what waits for it is let go; one that takes enough is not, however much comes."""

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from chassis.http import protocol
from chassis.http.protocol import BoundedProtocol, outlet_of
from chassis.testing.waiting import eventually

WAITING = 100_000


class Transport(asyncio.Transport):
    """Of a client for which as much waits at any time. `looks` counts how often that was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.aborted = False

    def write(self, data: Any) -> None:
        """Takes as much in as it lets out."""

    def get_write_buffer_size(self) -> int:
        self.looks += 1
        return WAITING

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


async def aborts(transport: Transport) -> bool:
    return transport.aborted


def a_paused_connection(transport: Transport) -> BoundedProtocol:
    config = uvicorn.Config(lambda: None, log_config=None)
    made = BoundedProtocol(config=config, server_state=ServerState(), app_state={})
    made.connection_made(transport)
    made.on_message_begin()
    made.pause_writing()
    return made


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "STALLED_S", 0.01)


async def test_who_takes_too_little_is_let_go_at_the_first_look() -> None:
    transport = Transport()
    outlet = outlet_of(dict(a_paused_connection(transport).scope))
    outlet.write(b"x" * 1000)
    await eventually(lambda: aborts(transport))
    assert transport.looks == 2


async def test_who_takes_enough_is_looked_at_again() -> None:
    transport = Transport()
    outlet = outlet_of(dict(a_paused_connection(transport).scope))
    outlet.write(b"x" * WAITING)
    await eventually(lambda: aborts(transport))
    assert transport.looks == 4
