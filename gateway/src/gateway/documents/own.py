"""The part of the document that the gateway itself answers, and what it adds to the operations of services."""

from typing import Any

from chassis.core.errors import Failure
from chassis.http import failures
from chassis.http.health_routes import HealthBody
from chassis.http.problems import MEDIA_TYPE, Problem, problems
from gateway.failures import AnswerLost, ServiceAway, ServiceTooSlow

EVENTS_PATH = "/api/v1/events"

_IN_ITS_PLACE = (failures.MalformedRequest, failures.RequestTooSlow, ServiceAway, AnswerLost, ServiceTooSlow)
_ALWAYS = (failures.MalformedRequest, failures.HeadersTooLarge, failures.InternalError)

_SCHEMA = "#/components/schemas/{model}"

_DESCRIPTION = """\
People and AI agents work together on typed objects. Sign up with `POST /api/v1/auth/register`, get a token with
`POST /api/v1/auth/login`, send it as `Authorization: Bearer …`, and listen to `GET /api/v1/events`.

Errors are problem details (RFC 9457); decide by their `type`. Writes to an existing object need `If-Match` with its
`ETag`. Each POST accepts an `Idempotency-Key`, which makes a repeat safe; those of operators are safe without one."""

_FEED = """\
Server-sent events of your organisation, as far as you may see them, in order per object. One may come again, with the
same `id` inside its `data`: drop the repeat.

Each event has `id`, `event` (its kind) and `data`, one JSON object. After a break, send the last `id` as
`Last-Event-ID` to any replica: you get what you missed, then the rest live. The event `reset` says that the position
is no longer known: load again what you show. The stream ends when its token expires or is revoked; a client that
reads too slowly is cut off. A comment comes at once and then every 10 seconds, each time with your position."""

_TYPES = {
    "name": "types",
    "in": "query",
    "required": False,
    "description": "Kinds to be sent, separated by commas: `chats.message-sent`, or `modules.*` for all of a service.",
    "schema": {"type": "string"},
    "example": "modules.*,chats.message-sent",
}
_LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The last `id` that was received.",
    "schema": {"type": "string"},
}
_FRAME = """\
: connected
id: 6f1c2ab0-4-1041

id: 6f1c2ab0-4-1042
event: modules.module-created
data: {"id":"0199a1b2-0000-7000-8000-000000000000","kind":"modules.module-created","version":1,"data":{}}

"""


def own_document() -> dict[str, Any]:
    """A document with the gateway's own routes."""
    problem = Problem.model_json_schema(ref_template=_SCHEMA)
    health = HealthBody.model_json_schema(ref_template=_SCHEMA)
    schemas = {**problem.pop("$defs"), **health.pop("$defs"), "Problem": problem, "HealthBody": health}
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    bearer["description"] = "An access token from `/api/v1/auth/login`"
    return {
        "openapi": "3.1.0",
        "info": {"title": "Stoa", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": {EVENTS_PATH: {"get": _events()}, "/health/live": _live(), "/health/ready": _ready()},
        "components": {"schemas": schemas, "securitySchemes": {"AccessToken": bearer}},
    }


def _events() -> dict[str, Any]:
    refused = (failures.Unauthenticated, failures.InvalidToken, failures.InvalidInput, failures.Unavailable, *_ALWAYS)
    stream = {"text/event-stream": {"schema": {"type": "string"}, "example": _FRAME}}
    return {
        "tags": ["events"],
        "summary": "Live feed",
        "description": _FEED,
        "operationId": "live_feed",
        "parameters": [_TYPES, _LAST_EVENT_ID],
        "security": [{"AccessToken": []}],
        "responses": {"200": {"description": "Events as they happen", "content": stream}, **_answers(*refused)},
    }


def _live() -> dict[str, Any]:
    ok = {"description": "This replica answers"}
    return {"get": {"tags": ["health"], "summary": "Live", "operationId": "live", "responses": {"200": ok}}}


def _ready() -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": _SCHEMA.format(model="HealthBody")}}}
    return {
        "get": {
            "tags": ["health"],
            "summary": "Health of the whole, with a line for each part",
            "operationId": "ready",
            "responses": {
                "200": {"description": "Healthy, or degraded", "content": content},
                "503": {"description": "Unhealthy", "content": content},
            },
        }
    }


def add_gateway_answers(item: dict[str, Any]) -> dict[str, Any]:
    """A service's path item with the problems that the gateway can answer in its place."""
    return {
        method: {**operation, "responses": _joined(operation["responses"])} if _is_operation(operation) else operation
        for method, operation in item.items()
    }


def _is_operation(value: Any) -> bool:
    return isinstance(value, dict) and "responses" in value


def _joined(answers: dict[str, Any]) -> dict[str, Any]:
    """A service's answers with the gateway's; where both answer a status with problems, the examples of both."""
    found = dict(answers)
    for status, answer in _answers(*_IN_ITS_PLACE).items():
        known = found.get(status, {})
        examples = known.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
        more = answer["content"][MEDIA_TYPE]
        content = {**known.get("content", {}), MEDIA_TYPE: {**more, "examples": {**more["examples"], **examples}}}
        found[status] = {**answer, **known, "content": content}
    return found


def _answers(*refused: type[Failure]) -> dict[str, Any]:
    return {str(status): answer for status, answer in problems(*refused).items()}
