"""`/health/live` and `/health/ready`."""

from collections.abc import Callable, Mapping

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from chassis.health import Health, Status, worst

JSON = "application/json"


class CheckBody(BaseModel):
    """One dependency or worker."""

    status: Status
    line: str


class HealthBody(BaseModel):
    """The worst status of all checks, and each of them by name."""

    status: Status
    checks: dict[str, CheckBody]


def health_routes(checks: Callable[[], Mapping[str, Health]]) -> APIRouter:
    """Live: the event loop answers. Ready: 200 unless something is unhealthy, then 503."""
    router = APIRouter(prefix="/health", include_in_schema=False)

    @router.get("/live")
    async def live() -> Response:
        return Response(b'{"status":"healthy"}', media_type=JSON)

    @router.get("/ready")
    async def ready() -> Response:
        found = checks()
        status = worst(found.values())
        shown = {name: CheckBody(status=check.status, line=check.line) for name, check in found.items()}
        body = HealthBody(status=status, checks=shown).model_dump_json()
        return Response(body, 503 if status is Status.UNHEALTHY else 200, media_type=JSON)

    return router
