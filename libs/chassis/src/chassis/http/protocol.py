"""uvicorn's HTTP/1.1 protocol with the limits that its settings do not have, and problems instead of plain text."""

import asyncio
from functools import partial
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from chassis.core import new_id
from chassis.core.errors import Failure
from chassis.http.failures import HeadersTooLarge, MalformedRequest, RequestTooSlow
from chassis.http.problems import problem

MAX_HEAD_BYTES = 65_536
HEAD_S = 10.0
"""A client that has not sent its whole head after this time is refused (408), or let go if it sent nothing."""

STALLED_S = 20.0
"""A client that reads nothing of its answer for this time is cut off: what it does not take is held in memory."""

LINGER_S = 5.0
"""How long a body that goes on after its answer is still taken in, so that the client gets to read the answer."""


_LEAST_TAKEN = 48 * 1024
"""A client for which much waits has to take so much within STALLED_S: from asyncio's high-water mark (64 KiB) to its
low one, where nothing is added meanwhile."""

_OUTLET = "stoa.outlet"


class Outlet:
    """The connection of a request, for who has the same to write to many: past the application's `send`, an answer
    without a length goes on in chunks (`chunk`). Nobody waits here for a client that does not read, so the writer looks
    at what is `waiting`."""

    __slots__ = ("_transport", "_written")

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self._written = 0

    def write(self, data: bytes) -> None:
        self._written += len(data)
        self._transport.write(data)

    @property
    def waiting(self) -> int:
        """Bytes that the client has not taken yet, beside what the kernel holds for it."""
        return self._transport.get_write_buffer_size()

    @property
    def left(self) -> int:
        """Grows by each byte that leaves while nobody else writes."""
        return self._written - self.waiting

    @property
    def is_closing(self) -> bool:
        return self._transport.is_closing()


def outlet_of(scope: Scope) -> Outlet:
    """Raises LookupError on a server that is not ours."""
    outlet: Outlet = scope["extensions"][_OUTLET]["outlet"]
    return outlet


def chunk(body: bytes) -> bytes:
    """A chunk of an answer without a length (RFC 9112, section 7.1)."""
    return b"%x\r\n%s\r\n" % (len(body), body)


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Limits on body and number of headers are the edge's, which answers them with more to say."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._head_bytes = 0
        self._in_head = True
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself
        super().connection_made(transport)
        self._outlet = Outlet(transport)
        self._arm("head", HEAD_S, self._head_late)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data) if self._in_head else 0
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(HeadersTooLarge())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_OUTLET: {"outlet": self._outlet}}
        self._in_head = True
        if "head" not in self._timers:
            self._arm("head", HEAD_S, self._head_late)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        self._disarm("head")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True
        self._disarm("linger")

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._in_head and not self.transport.is_closing():
            self._arm("linger", LINGER_S, self.transport.close)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch(self._outlet.left)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._disarm("stalled")

    def _watch(self, left: int) -> None:
        self._arm("stalled", STALLED_S, partial(self._look, left))

    def _look(self, before: int) -> None:
        if self._outlet.left - before < _LEAST_TAKEN:
            self.transport.abort()
        else:
            self._watch(self._outlet.left)

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls for bytes that are no HTTP."""
        self._refuse(MalformedRequest("this is not HTTP/1.1"))

    def _head_late(self) -> None:
        if self._head_bytes:
            self._refuse(RequestTooSlow())
        else:
            self.transport.close()

    def _refuse(self, failure: Failure) -> None:
        """Answers and closes. While an earlier request of the connection is being answered, that one is the last."""
        self.transport.pause_reading()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
            return
        answer = problem(failure, {"path": "/", "request_id": str(new_id())})
        headers = b"".join(b"%s: %s\r\n" % header for header in answer.raw_headers)
        status = STATUS_LINE[answer.status_code]
        self.transport.write(b"%s%sconnection: close\r\n\r\n%s" % (status, headers, bytes(answer.body)))
        self.transport.close()

    def _arm(self, name: str, seconds: float, call: Any) -> None:
        self._disarm(name)
        self._timers[name] = self.loop.call_later(seconds, call)

    def _disarm(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()
