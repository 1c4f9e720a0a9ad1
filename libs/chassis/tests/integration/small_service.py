"""The smallest service: `python small_service.py serve`. What its component does is told by SMALL_COMPONENT."""

import asyncio
import os

from starlette.responses import Response
from starlette.types import ASGIApp

from chassis.cli import main
from chassis.health import Health
from chassis.http.app import create_app
from chassis.http.routing import Router
from chassis.serve import Checks, Parts, Service
from chassis.settings import ProcessSettings


class Ticking:
    """Healthy once it runs; ends by itself or fails when it is told to."""

    name = "ticking"

    def __init__(self) -> None:
        self._health = Health.unhealthy("not started")

    def health(self) -> Health:
        return self._health

    async def run(self) -> None:
        if os.environ.get("SMALL_COMPONENT") == "fails":
            raise RuntimeError("told to fail")
        if os.environ.get("SMALL_COMPONENT") != "waits":
            self._health = Health.healthy("ticks")
        try:
            await asyncio.Event().wait()
        finally:
            print("ticking stopped", flush=True)  # noqa: T201  what the test waits for


def routes() -> Router:
    router = Router()

    @router.get("/slow")
    async def slow() -> Response:
        print("slow begun", flush=True)  # noqa: T201  what the test waits for
        await asyncio.sleep(0.5)
        return Response("done")

    return router


def build(settings: ProcessSettings) -> Parts:
    def app(checks: Checks) -> ASGIApp:
        return create_app("small", [routes()], checks, passing=lambda _: False, docs=settings.serves_docs)

    def bare(checks: Checks) -> ASGIApp:
        return create_app("small", [], checks, passing=lambda _: False)

    async def close() -> None:
        print("pools closed", flush=True)  # noqa: T201  what the test waits for

    return Parts(app=app, bare_app=bare, workers=[Ticking()], close=[close])


if __name__ == "__main__":
    main(Service("small", ProcessSettings, build))
