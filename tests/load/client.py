"""An HTTP client that costs little: on the same two cores, what it spends is missing where it is measured."""

import asyncio
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Self
from urllib.parse import urlsplit

import orjson
from httptools import HttpResponseParser


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


def request(method: str, target: str, token: str = "", body: object = None) -> bytes:
    """A request as it goes over the wire."""
    head = [f"{method} {target} HTTP/1.1", "Host: bench"]
    content = b"" if body is None else orjson.dumps(body)
    head += [f"Authorization: Bearer {token}"] if token else []
    head += ["Content-Type: application/json", f"Content-Length: {len(content)}"] if body is not None else []
    return "\r\n".join([*head, "", ""]).encode() + content


_LONGEST_REST_S = 2.0
"""Servers close what has rested for five seconds; a request that is on its way at that moment is lost."""


class Connection(asyncio.Protocol):
    """One connection that is kept; one request at a time. Raises ConnectionError when it is lost over a request."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._body: list[bytes] = []
        self._answer: asyncio.Future[Answer] | None = None
        self._rests_since = 0.0
        self._open = False

    @classmethod
    async def to(cls, url: str) -> Self:
        host, _, port = urlsplit(url).netloc.partition(":")
        _, connection = await asyncio.get_running_loop().create_connection(cls, host, int(port))
        return connection

    @property
    def usable(self) -> bool:
        return self._open and perf_counter() - self._rests_since < _LONGEST_REST_S

    async def ask(self, request: bytes) -> Answer:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self._transport.close()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._open = True

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        answer = Answer(self._parser.get_status_code(), b"".join(self._body))
        self._body.clear()
        self._rests_since = perf_counter()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        self._open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(f"lost: {error}"))


class Client:
    """As many connections to one address as are in use at once."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: list[Connection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._idle:
            connection.close()

    async def ask(self, request: bytes) -> Answer:
        """Raises ConnectionError, OSError."""
        connection = None
        while self._idle and not (connection := self._idle.pop()).usable:
            connection.close()
            connection = None
        connection = connection or await Connection.to(self._url)
        try:
            answer = await connection.ask(request)
        except BaseException:  # an answer that comes later belongs to nobody
            connection.close()
            raise
        self._idle.append(connection)
        return answer

    async def succeeds(self, request: bytes) -> bool:
        """Whether the answer has a status of success."""
        return (await self.ask(request)).status < 300
