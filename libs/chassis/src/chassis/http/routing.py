"""Routes whose JSON bodies are read strictly, before pydantic sees them."""

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from chassis.http.failures import FieldError, InvalidInput, NotFound, UnsupportedMediaType
from chassis.http.problems import ProblemError

MAX_DEPTH = 32
MAX_VALUES = 20_000
"""How deep a body may nest, and how many values it may hold: more would hold up the event loop."""


class JsonRequest(Request):
    """A request whose body is one JSON value in UTF-8 (RFC 8259) of a sane shape.

    Not JSON, a lone surrogate, NaN → 400. Too deep, too many values, a NUL character (PostgreSQL has none) → 422.
    """

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            body = await self.body()
            self._json = orjson.loads(body)
            if b"\\u0000" in body or body.count(b"[") + body.count(b"{") > MAX_DEPTH or body.count(b",") > MAX_VALUES:
                _inspect(self._json)
        return self._json


def _inspect(value: Any) -> None:
    """Raises ProblemError for the first thing in a parsed body that is not allowed."""
    seen = 0
    waiting: list[tuple[Any, str, int]] = [(value, "", 1)]
    while waiting:
        item, pointer, depth = waiting.pop()
        seen += 1
        if isinstance(item, str) and "\0" in item:
            _refuse(pointer, "nul-character", "NUL characters are not allowed")
        if depth > MAX_DEPTH and isinstance(item, dict | list):
            _refuse("", "too-deep", f"JSON may be nested {MAX_DEPTH} deep")
        if seen > MAX_VALUES:
            _refuse("", "too-many-values", f"a body may hold {MAX_VALUES} values")
        if isinstance(item, dict):
            waiting.extend((key, pointer, depth) for key in item if "\0" in key)
            waiting.extend((inner, f"{pointer}/{_token(key)}", depth + 1) for key, inner in item.items())
        elif isinstance(item, list):
            waiting.extend((inner, f"{pointer}/{index}", depth + 1) for index, inner in enumerate(item))


def _token(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _refuse(pointer: str, rule: str, detail: str) -> None:
    raise ProblemError(InvalidInput((FieldError(pointer, rule, detail),)))


class JsonRoute(APIRoute):
    """A route with a strict JSON body. A body of another type → 415."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            scope = request.scope
            if "\0" in scope["path"]:
                raise ProblemError(NotFound("no path holds a NUL character"))
            if b"%00" in scope["query_string"]:
                _refuse("?", "nul-character", "NUL characters are not allowed")
            if request.method in ("POST", "PUT", "PATCH"):
                _require_json(request)
            return await handler(JsonRequest(scope, request.receive))

        return strict


def _require_json(request: Request) -> None:
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise ProblemError(UnsupportedMediaType())


class Router(APIRouter):
    """An APIRouter of strict JSON routes: what every service's `entrypoints/http.py` begins with."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"route_class": JsonRoute, "redirect_slashes": False, **settings})


def route_template(scope: Scope) -> str:
    """The matched route with its method, e.g. `POST /api/v1/chats/{chat_id}/messages`; `POST -` where none matched.

    FastAPI keeps the full template of a nested router in what it notes for telemetry; an app without FastAPI puts its
    own into the scope, as `route_template`.
    """
    template = scope.get("route_template") or getattr(scope.get("fastapi.telemetry"), "route", None)
    return f"{scope['method']} {template or '-'}"
