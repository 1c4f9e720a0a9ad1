"""Every error answer: problem details of RFC 9457, made here and nowhere else."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from chassis.core.errors import Failure, Kind
from chassis.http.failures import HttpFailure, InvalidInput, InvalidToken, Unauthenticated

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2

STATUS = {
    Kind.MALFORMED: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.STALE: 412,
    Kind.INVALID: 422,
    Kind.PRECONDITION_REQUIRED: 428,
    Kind.LIMITED: 429,
    Kind.UNAVAILABLE: 503,
}
"""The one table from the kind of a failure to its status."""


class ProblemField(BaseModel):
    """One wrong part of a request."""

    pointer: str = Field(description="JSON pointer into the body, `?name` of a query parameter, or a header's name")
    rule: str = Field(description="Stable slug of the rule, e.g. `missing`")
    detail: str


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = Field(description="`urn:stoa:problem:<slug>`; stable, so decide by it")
    title: str
    status: int
    detail: str
    instance: str = Field(description="Path of the request")
    request_id: str = Field(description="Name it when you report the problem")
    errors: list[ProblemField] | None = Field(default=None, description="For wrong input: what and why")


class ProblemError(HTTPException):
    """Carries a failure out of a dependency, where no value can be returned. A use case returns `Err` instead."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(status_of(failure), failure.slug)
        self.failure = failure


def status_of(failure: Failure | type[Failure]) -> int:
    """The status that answers this failure."""
    kind = failure if isinstance(failure, type) else type(failure)
    return kind.status if issubclass(kind, HttpFailure) else STATUS[kind.kind]


def problem(failure: Failure, scope: Scope, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a failed request. `scope` is the request's: its path and the id that the edge gave it."""
    status = status_of(failure)
    body: dict[str, Any] = {
        "type": f"urn:stoa:problem:{failure.slug}",
        "title": failure.title,
        "status": status,
        "detail": failure.detail,
        "instance": quote(scope["path"]),
        "request_id": scope.get("request_id", ""),
    }
    errors = _errors(failure)
    if errors:
        body["errors"] = errors
    return Response(orjson.dumps(body), status, {**_headers(failure, status), **(headers or {})}, media_type=MEDIA_TYPE)


def _errors(failure: Failure) -> list[dict[str, str]]:
    if isinstance(failure, InvalidInput):
        return [{"pointer": e.pointer, "rule": e.rule, "detail": e.detail} for e in failure.errors]
    if failure.field is not None:
        return [{"pointer": failure.field, "rule": failure.slug, "detail": failure.detail}]
    return []


def _headers(failure: Failure, status: int) -> dict[str, str]:
    if isinstance(failure, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(failure, InvalidToken):
        return {"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{failure.rule}"'}
    return {"Retry-After": str(RETRY_AFTER_S)} if status in (429, 503) else {}


def problems(*failures: type[Failure]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route: each failure that its use case can answer, with an example.

    What every route can answer (401, 413, 422, 500, …) is added to the document by itself.
    """
    found: dict[int | str, dict[str, Any]] = {}
    for failure in failures:
        entry = found.setdefault(status_of(failure), {"description": "", "content": {MEDIA_TYPE: _no_examples()}})
        entry["content"][MEDIA_TYPE]["examples"][failure.slug] = {"value": example(failure)}
        entry["description"] = " · ".join(filter(None, [entry["description"], failure.title]))
    return found


def _no_examples() -> dict[str, Any]:
    return {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}


def example(failure: type[Failure]) -> dict[str, Any]:
    """A problem as the document shows it."""
    return {
        "type": f"urn:stoa:problem:{failure.slug}",
        "title": failure.title,
        "status": status_of(failure),
        "detail": failure.title,
        "instance": "/api/v1/…",
        "request_id": "0199a1b2-0000-7000-8000-000000000000",
    }


def all_failures() -> Sequence[type[Failure]]:
    """Each failure with a slug that the imported modules define, by slug."""
    found: dict[str, type[Failure]] = {}
    waiting = list(Failure.__subclasses__())
    while waiting:
        failure = waiting.pop()
        waiting.extend(failure.__subclasses__())
        if hasattr(failure, "slug"):
            found[failure.slug] = failure
    return [found[slug] for slug in sorted(found)]
