"""The port to the services over aiohttp: a pool of connections, no cookies kept, nothing decoded or added."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager

import aiohttp
from yarl import URL

from gateway.proxy.upstreams import BrokenOff, Incoming, NotReached, Outgoing, TooSlow

CONNECT_S = 2.0
SILENCE_S = 60.0
"""The longest silence of a service, before its answer and inside it; streams send a heartbeat before that."""

_KEEP_ALIVE_S = 3.0
"""Shorter than the services keep a connection (5 s), so that none is used at the moment in which it ends."""

_ADDED_BY_ITSELF = ("accept", "accept-encoding", "content-type", "user-agent")


class AiohttpAnswer:
    """An answer of a service."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        return self._response.raw_headers

    async def whole(self) -> bytes:
        with _translated():
            return await self._response.read()

    async def chunks(self) -> AsyncIterator[bytes]:
        content = self._response.content
        while True:
            with _translated():
                chunk = await content.readany()
            if not chunk:
                return
            yield chunk

    def close(self) -> None:
        """A connection whose answer was read to its end goes back to the pool, any other is closed."""
        self._response.close()


class AiohttpUpstreams:
    """Services by name, at fixed addresses. The pool is opened with the first request."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = {service: address.rstrip("/") for service, address in addresses.items()}
        self._opened: aiohttp.ClientSession | None = None

    async def send(self, request: Outgoing) -> Incoming:
        url = URL(self._addresses[request.service] + request.target, encoded=True)
        with _translated():
            response = await self._session().request(
                request.method, url, headers=request.headers, data=request.body, allow_redirects=False
            )
        return AiohttpAnswer(response)

    async def fetch(self, service: str, path: str, *, within_s: float) -> tuple[int, bytes]:
        with _translated():
            async with asyncio.timeout(within_s):
                answer = await self.send(Outgoing(service, "GET", path, ()))
                try:
                    return answer.status, await answer.whole()
                finally:
                    answer.close()

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_S),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENCE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=_ADDED_BY_ITSELF,
                auto_decompress=False,
                trust_env=False,
            )
        return self._opened


@contextmanager
def _translated() -> Iterator[None]:
    """aiohttp's exceptions as the port's."""
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise NotReached(type(error).__name__) from error
    except TimeoutError as error:
        raise TooSlow(type(error).__name__) from error
    except (aiohttp.ClientError, OSError) as error:
        raise BrokenOff(type(error).__name__) from error
