"""The health of the whole: this replica's own parts, and each service as it says of itself."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

from pydantic import ValidationError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chassis.health import Health, Status, worst
from chassis.http.health_routes import JSON, CheckBody, HealthBody
from gateway.proxy.upstreams import UpstreamFailed, Upstreams

REMEMBERED_S = 1.0
ANSWER_S = 2.0


class WholeHealth:
    """Unhealthy (503) when this replica cannot do its work. A service that is away only degrades the whole: the others
    go on being reachable through this door, so no balancer should close it."""

    def __init__(self, upstreams: Upstreams, services: Iterable[str], own: Callable[[], Mapping[str, Health]]) -> None:
        self._upstreams = upstreams
        self._services = sorted(services)
        self._own = own
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._found: dict[str, Health] = {}

    async def live(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Response(b'{"status":"healthy"}', media_type=JSON)(scope, receive, send)

    async def ready(self, scope: Scope, receive: Receive, send: Send) -> None:
        own = {f"gateway.{name.removeprefix('gateway.')}": health for name, health in self._own().items()}
        checks = {**own, **await self._ask_services()}
        status = worst(checks.values())
        shown = {name: CheckBody(status=check.status, line=check.line) for name, check in checks.items()}
        body = HealthBody(status=status, checks=shown).model_dump_json()
        code = 503 if status is Status.UNHEALTHY else 200
        await Response(body, code, {"Cache-Control": "no-store"}, JSON)(scope, receive, send)

    async def _ask_services(self) -> Mapping[str, Health]:
        """Each service is asked at most once a second, however often this is called."""
        async with self._asking:
            if time.monotonic() - self._asked_at > REMEMBERED_S:
                answers = await asyncio.gather(*(self._ask(service) for service in self._services))
                self._found = dict(zip(self._services, answers, strict=True))
                self._asked_at = time.monotonic()
        return self._found

    async def _ask(self, service: str) -> Health:
        try:
            _, body = await self._upstreams.fetch(service, "/health/ready", within_s=ANSWER_S)
            said = HealthBody.model_validate_json(body)
        except UpstreamFailed as error:
            return Health.degraded(f"cannot be reached: {error}")
        except ValidationError:
            return Health.degraded("does not tell its health")
        if said.status is Status.HEALTHY:
            return Health.healthy()
        lines = [f"{name}: {check.line}" for name, check in said.checks.items() if check.status is not Status.HEALTHY]
        return Health.degraded(f"is {said.status}: {'; '.join(lines)}")
