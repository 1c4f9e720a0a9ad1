"""The HTTP side of a service: one FastAPI app, made the same way for all."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from opentelemetry import trace
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from chassis.core.errors import Failure, Passing
from chassis.health import Health
from chassis.http.edge import QUIET_PATHS, Edge
from chassis.http.failures import (
    BodyTooLarge,
    InternalError,
    MalformedJson,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
)
from chassis.http.health_routes import health_routes
from chassis.http.openapi import complete_document
from chassis.http.problems import ProblemError, problem
from chassis.http.routing import Router
from chassis.http.validation import failure_of

WELL_KNOWN = "/.well-known"

_BY_STATUS: dict[int, Failure] = {
    400: MalformedJson(),
    404: NotFound(),
    405: MethodNotAllowed(),
    413: BodyTooLarge(),
}


def create_app(
    service: str,
    routers: Sequence[APIRouter],
    checks: Callable[[], Mapping[str, Health]],
    *,
    passing: Callable[[BaseException], bool],
    description: str = "",
    docs: bool = False,
) -> FastAPI:
    """An app with the routers below `/api/v1`, the health routes, and problem details for every error.

    A router of well-known addresses (RFC 8615) stands at the root, where everybody looks for them.

    `checks` answers the present health of each dependency by name. `passing` tells an exception that will pass (503)
    from a bug (500): `chassis.database.is_passing` in a service. `docs` serves `/openapi.json`; a page to read it
    belongs to the gateway. Raises TypeError for a router whose routes do not read JSON strictly.
    """
    app = _bare(service, passing, description, docs=docs)
    app.include_router(health_routes(checks))
    for router in routers:
        if not isinstance(router, Router):
            raise TypeError("a service's routes are made with chassis.http.routing.Router")
        app.include_router(router, prefix="" if router.prefix == WELL_KNOWN else "/api/v1")
    _keep_document(app)
    return app


def _bare(service: str, passing: Callable[[BaseException], bool], description: str, *, docs: bool) -> FastAPI:
    return FastAPI(
        title=f"Stoa {service}",
        version="1",
        description=description,
        openapi_url="/openapi.json" if docs else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: f"{service}_{route.name}",
        middleware=[Middleware(Edge, passing=passing)],
        exception_handlers={
            RequestValidationError: _on_invalid,
            ProblemError: _on_problem,
            HTTPException: _on_http,
            Passing: _on_passing,
        },
        telemetry=_telemetry(),
    )


def _telemetry() -> Any:
    return {
        "tracer_provider": trace.get_tracer_provider(),
        "operation_spans": False,
        "metrics": False,
        "logs": False,
        "auto_configure": False,
        "exclude": lambda scope: scope["path"] in QUIET_PATHS,
    }


def _keep_document(app: FastAPI) -> None:
    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = complete_document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to change the document


async def _on_invalid(request: Request, error: RequestValidationError) -> Response:
    return problem(failure_of(error.errors()), request.scope)


async def _on_problem(request: Request, error: ProblemError) -> Response:
    return problem(error.failure, request.scope)


async def _on_passing(request: Request, error: Passing) -> Response:
    return problem(error.failure, request.scope)


async def _on_http(request: Request, error: HTTPException) -> Response:
    """What Starlette and FastAPI refuse by themselves: no such route, wrong method, unreadable body."""
    failure = _BY_STATUS.get(error.status_code)
    if failure is None:
        failure = MalformedRequest() if error.status_code < 500 else InternalError()
    return problem(failure, request.scope, error.headers)
