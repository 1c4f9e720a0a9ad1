"""The door for who has no token yet: it knows nobody, and lets no answer be kept."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from chassis.core import Actor, Err, Result
from chassis.http.answers import Answer, Rendered
from chassis.http.door import correlation_id
from chassis.http.problems import problem
from chassis.use_case import Context

C = TypeVar("C")
V = TypeVar("V")

_NOT_KEPT = {"Cache-Control": "no-store"}
"""RFC 6749, section 5.1: no cache keeps an answer with tokens."""


class OpenDoor:
    """FastAPI dependency, like `Door`, for routes without a caller: without idempotency keys, as no token is stored."""

    def __init__(self, request: Request) -> None:
        self._request = request

    async def answer(
        self, use_case: Callable[[Context, C], Awaitable[Result[V]]], command: C, present: Callable[[V], Answer]
    ) -> Response:
        scope = self._request.scope
        context = Context(
            actor=Actor.system("auth"), org_id=None, role=None, correlation_id=correlation_id(scope["request_id"])
        )
        result = await use_case(context, command)
        if isinstance(result, Err):
            return problem(result.failure, scope, _NOT_KEPT)
        response = Rendered.of(present(result.value)).response()
        response.headers.update(_NOT_KEPT)
        return response
