"""The outermost layer of a service: what is true of every request and every answer, in one pass."""

import re
import time
from collections.abc import Callable
from typing import TypeAlias

import structlog
from prometheus_client import Histogram
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from chassis.core import new_id
from chassis.core.errors import Failure
from chassis.http.failures import BodyTooLarge, HeadersTooLarge, InternalError, Unavailable
from chassis.http.problems import ProblemError, problem
from chassis.http.routing import route_template
from chassis.telemetry import current_traceparent

MAX_BODY_BYTES = 1_048_576
MAX_HEADERS = 100
CLIENT_GONE = 499
"""In logs and metrics alone, as web servers use it: the client went before it had sent its request."""
QUIET_PATHS = frozenset({"/health/live", "/health/ready"})
"""Asked every few seconds by machines: neither logged nor counted."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._~-]{8,128}")
_DURATION = Histogram("stoa_http_request_duration_seconds", "Time to answer a request", ["route", "outcome"])

Passing: TypeAlias = Callable[[BaseException], bool]

log = structlog.get_logger()


class Edge:
    """Pure ASGI: request id, limits on headers and body, a line in the log and a measurement for each request.

    Each answer carries `X-Request-ID` (the client's, if it has 8 to 128 letters, digits or `._~-`, else a new UUID) and
    `traceparent`. An exception becomes 503 if `passing` says that it will pass, else 500, with nothing of its inside.
    """

    def __init__(self, app: ASGIApp, passing: Passing) -> None:
        self._app = app
        self._passing = passing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await _Exchange(scope, receive, send, self._passing).run(self._app)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, passing: Passing) -> None:
        self._passing = passing
        self._scope = scope
        self._receive = receive
        self._send = send
        self._headers = Headers(scope=scope)
        self._read = 0
        self._status = 0
        given = self._headers.get("x-request-id", "")
        self._request_id = given if _REQUEST_ID.fullmatch(given) else str(new_id())
        scope["request_id"] = self._request_id

    async def run(self, app: ASGIApp) -> None:
        started = time.perf_counter()
        clear_contextvars()
        bind_contextvars(request_id=self._request_id)
        try:
            refusal = self._refusal()
            if refusal is not None:
                await self._refuse(refusal)
            else:
                await app(self._scope, self._limited_receive(), self._answer)
        except ClientDisconnect:  # while it sent its body: nothing was done, and nobody is there to be told
            self._status = CLIENT_GONE
        except Exception as error:
            await self._crashed(error)
        finally:
            self._note(time.perf_counter() - started)
            clear_contextvars()

    async def _answer(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = message["headers"] = list(message.get("headers", ()))
            headers.append((b"x-request-id", self._request_id.encode()))
            traceparent = current_traceparent()
            if traceparent is not None:
                headers.append((b"traceparent", traceparent.encode()))
        await self._send(message)

    def _refusal(self) -> Failure | None:
        if len(self._scope["headers"]) > MAX_HEADERS:
            return HeadersTooLarge()
        length = self._headers.get("content-length", "0")
        return BodyTooLarge(MAX_BODY_BYTES) if not length.isdigit() or int(length) > MAX_BODY_BYTES else None

    def _limited_receive(self) -> Receive:
        """The server holds a body to its Content-Length; one without a length is counted here."""
        return self._counted if "transfer-encoding" in self._headers else self._receive

    async def _counted(self) -> Message:
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > MAX_BODY_BYTES:
            raise ProblemError(BodyTooLarge(MAX_BODY_BYTES))
        return message

    async def _crashed(self, error: Exception) -> None:
        """Answers for an exception that nothing expected. An answer already begun is broken off by raising it again."""
        passing = self._passing(error)
        if passing:
            log.warning("http.unavailable", reason=type(error).__name__)
        else:
            log.error("http.crashed", exc_info=error)
        if self._status:
            raise error
        await self._refuse(Unavailable() if passing else InternalError())

    async def _refuse(self, failure: Failure) -> None:
        await problem(failure, self._scope)(self._scope, self._receive, self._answer)

    def _note(self, duration: float) -> None:
        if self._scope["path"] in QUIET_PATHS:
            return
        route = route_template(self._scope)
        _DURATION.labels(route, str(self._status)).observe(duration)
        write = log.error if self._status >= 500 else log.info
        write("http.answered", route=route, status=self._status, duration_ms=round(duration * 1000, 2))
