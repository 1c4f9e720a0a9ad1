"""The OpenAPI document, completed with what no route says by itself: the problems all can answer, and headers."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from chassis.core.errors import Failure
from chassis.http import failures
from chassis.http.problems import MEDIA_TYPE, Problem, problems
from chassis.outbox.failures import OutboxFull

_REF = "#/components/schemas/{model}"
_ALWAYS = (failures.InternalError, failures.Unavailable, failures.HeadersTooLarge)
_WITH_BODY = (
    failures.MalformedJson,
    failures.BodyTooLarge,
    failures.UnsupportedMediaType,
    failures.InvalidInput,
)
_WITH_TOKEN = (failures.Unauthenticated, failures.InvalidToken)
_WITH_KEY = (failures.KeyMalformed, failures.KeyReused, failures.StillRunning)

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes a repeat of this request safe: the same key and body get the stored answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag that was last read.",
    "schema": {"type": "string", "pattern": '^"(0|[1-9][0-9]{0,17})"$'},
    "example": '"3"',
}
_REQUEST_ID = {"description": "Name it when you report a problem.", "schema": {"type": "string"}}


def complete_document(app: FastAPI) -> dict[str, Any]:
    """The document of the app's routes; made once and kept by the caller."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template=_REF)
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    for path in document["paths"].values():
        for method, operation in path.items():
            _complete(method, operation)
    return document


def _complete(method: str, operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    parameters = operation.setdefault("parameters", [])
    if "HTTPValidationError" in str(answers.get("422")):
        del answers["422"]
    if "428" in answers:
        parameters.append(_IF_MATCH)
    if _takes_key(method, operation):
        parameters.append(_IDEMPOTENCY_KEY)
    for status, answer in problems(*_everywhere(method, operation)).items():
        _merge(answers, str(status), answer)
    for answer in answers.values():
        answer.setdefault("headers", {})["X-Request-ID"] = _REQUEST_ID


def _takes_key(method: str, operation: dict[str, Any]) -> bool:
    """What operators do has one effect however often it is asked for: no answer is stored for it."""
    return method == "post" and "security" in operation and "operations" not in operation.get("tags", [])


def _everywhere(method: str, operation: dict[str, Any]) -> list[type[Failure]]:
    found: list[type[Failure]] = [*_ALWAYS]
    found += [OutboxFull] if method != "get" else []
    secured = "security" in operation
    places = {parameter["in"] for parameter in operation["parameters"]}
    found += _WITH_TOKEN if secured else ()
    found += _WITH_KEY if _takes_key(method, operation) else ()
    found += _WITH_BODY if "requestBody" in operation else ()
    found += [failures.NotFound] if "path" in places else []
    found += [failures.InvalidInput] if "query" in places and "requestBody" not in operation else []
    found += [failures.InvalidCursor] if any(p["name"] == "cursor" for p in operation["parameters"]) else []
    return found


def _merge(answers: dict[str, Any], status: str, answer: dict[str, Any]) -> None:
    known = answers.setdefault(status, answer)
    if known is not answer:
        examples = known.setdefault("content", {}).setdefault(MEDIA_TYPE, answer["content"][MEDIA_TYPE])["examples"]
        examples.update(answer["content"][MEDIA_TYPE]["examples"])
