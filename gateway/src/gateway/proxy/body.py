"""The body of a request on its way through: counted against the clock, never held as a whole."""

import asyncio
from collections.abc import AsyncIterator

from starlette.types import Receive

from chassis.core.errors import Failure
from chassis.http.failures import RequestTooSlow
from chassis.http.problems import ProblemError
from gateway.cut import Cut
from gateway.proxy.headers import RawHeaders, value_of

BODY_S = 30.0
"""A body that has not wholly arrived after this time is refused. How large it may be is the edge's rule."""


class ClientGone(Exception):
    """The client went away before its body had arrived."""


class Body:
    """Reads a body once. When it has been read, `cut` begins to watch for a client that goes away."""

    def __init__(self, headers: RawHeaders, receive: Receive, cut: Cut) -> None:
        self.length = value_of(headers, b"content-length")
        self._expected = self.length not in (None, "0") or value_of(headers, b"transfer-encoding") is not None
        self._receive = receive
        self._cut = cut
        self._deadline = asyncio.get_running_loop().time() + BODY_S
        self.refused: Failure | None = None
        """Why it was broken off on the way, where that is the client's fault."""
        self.gone = False

    async def begin(self) -> bytes | AsyncIterator[bytes] | None:
        """The whole body if it is here already, else a stream of it, or None where there is none.

        Raises ProblemError (408, 413) and ClientGone, as reading on does.
        """
        if not self._expected:
            self._cut.end_on_disconnect(self._receive)
            return None
        first, more = await self._next()
        return self._rest(first) if more else first

    async def _rest(self, first: bytes) -> AsyncIterator[bytes]:
        yield first
        more = True
        while more:
            try:
                chunk, more = await self._next()
            except ProblemError as error:
                self.refused = error.failure
                raise
            if chunk:
                yield chunk

    async def _next(self) -> tuple[bytes, bool]:
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise ProblemError(RequestTooSlow()) from None
        if message["type"] == "http.disconnect":
            self.gone = True
            raise ClientGone
        more = message.get("more_body", False)
        if not more:
            self._cut.end_on_disconnect(self._receive)
        return message.get("body", b""), more
