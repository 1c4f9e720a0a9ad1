"""The first decision about each request: the gateway's own page, a service behind it, or nothing."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from opentelemetry.trace import SpanKind
from starlette.types import Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from chassis.core.errors import Failure
from chassis.http.failures import MalformedRequest, MethodNotAllowed, NotFound
from chassis.http.identity import Identity
from chassis.http.problems import ProblemError, problem
from chassis.http.tokens import Caller
from chassis.telemetry import span_from
from gateway.callers import caller_of
from gateway.proxy.headers import value_of
from gateway.proxy.proxy import Proxy
from gateway.routes import Target, find_target, is_open

Page: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_READS = ("GET", "HEAD")


class Entrance:
    """The gateway as a pure ASGI app. `pages` are its own, by their exact path; they answer GET and HEAD.

    A token is checked here once, before anything of the request reaches a service. Services check it again by
    themselves: reaching one directly gains nothing.
    """

    def __init__(self, pages: Mapping[str, Page], proxy: Proxy, identity: Identity) -> None:
        self._pages = pages
        self._proxy = proxy
        self._identity = identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        page = self._pages.get(path)
        target = find_target(path) if page is None else None
        scope["route_template"] = path if page is not None else target.label if target is not None else None
        given = value_of(scope["headers"], b"traceparent")
        with span_from(given, f"{scope['method']} {scope['route_template'] or '-'}", SpanKind.SERVER) as span:
            bind_contextvars(trace_id=f"{span.get_span_context().trace_id:032x}")  # for the edge, outside of the span
            try:
                await self._answer(page, target, scope, receive, send)
            except ProblemError as error:
                await problem(error.failure, scope, _allowed(error.failure))(scope, receive, send)

    async def _answer(
        self, page: Page | None, target: Target | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        _refuse_token_in_url(scope["query_string"])
        if page is not None:
            if scope["method"] not in _READS:
                raise ProblemError(MethodNotAllowed())
            await page(scope, receive, send)
        elif target is not None:
            await self._proxy.pass_on(target.service, await self._caller(scope), scope, receive, send)
        else:
            raise ProblemError(NotFound())

    async def _caller(self, scope: Scope) -> Caller | None:
        """None on an open route, whatever Authorization says there. Raises ProblemError: 401, or 503 without keys."""
        if is_open(scope["method"], scope["path"]):
            return None
        return await caller_of(self._identity, scope["headers"])


def _refuse_token_in_url(query: bytes) -> None:
    """Addresses stand in logs and histories, so none may hold a token (RFC 9700, section 2.6)."""
    if b"access_token=" in query:
        raise ProblemError(MalformedRequest("a token goes into the Authorization header, never into an address"))


def _allowed(failure: Failure) -> dict[str, str]:
    return {"Allow": ", ".join(_READS)} if isinstance(failure, MethodNotAllowed) else {}
