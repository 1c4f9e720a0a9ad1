"""The port to the services: one request there, one answer back, both as streams."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to a service. `target` is path and query as the client wrote them, still encoded.

    A streamed body needs its `content-length` among the headers, or goes chunked.
    """

    service: str
    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes | AsyncIterator[bytes] | None = None


class Incoming(Protocol):
    """An answer whose head has arrived."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]: ...

    async def whole(self) -> bytes: ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, nothing held back. Raises UpstreamFailed where it breaks off."""
        ...

    def close(self) -> None:
        """Ends it, also in the middle."""
        ...


class UpstreamFailed(Exception):
    """There is no answer, or no rest of it."""


class NotReached(UpstreamFailed):
    """No connection: the service has seen nothing of the request."""


class BrokenOff(UpstreamFailed):
    """The connection ended before the answer did: whether the request was carried out is not known."""


class TooSlow(UpstreamFailed):
    """The service is silent for longer than it may be."""


class Upstreams(Protocol):
    """All services, by name."""

    async def send(self, request: Outgoing) -> Incoming:
        """Answers when the head of the answer is there. Raises NotReached, BrokenOff or TooSlow."""
        ...

    async def fetch(self, service: str, path: str, *, within_s: float) -> tuple[int, bytes]:
        """A whole small answer to a GET: status and body. Raises like `send`."""
        ...
