"""The sample service as a whole process whose consumer hears nothing, though it looks well."""

import asyncio
from typing import Any

from aiokafka.consumer.fetcher import Fetcher

from chassis.http.app import create_app
from chassis.kafka import progress
from chassis.kafka.connection import READING
from chassis.serve import Checks, Parts, Service, serve
from chassis.settings import ServiceSettings

from .stage import Stage, noting


async def _hear_nothing(_: Fetcher, *__: Any) -> None:
    await asyncio.Event().wait()


def serve_deaf(stage: Stage) -> int:
    """Runs the process until it gives up, and answers its exit code."""
    Fetcher.next_record = _hear_nothing
    READING["fetch_max_wait_ms"] = 500
    progress.STUCK_S, progress.LOOK_S = 2.0, 0.25

    def build(_: ServiceSettings) -> Parts:
        return Parts(app=app, bare_app=app, workers=stage.consuming(noting()))

    def app(checks: Checks) -> Any:
        return create_app("sample", [], checks, passing=lambda _: False)

    settings = stage.settings.model_copy(update={"http_port": 0, "metrics_port": 0})
    return serve(Service("sample", ServiceSettings, build), settings, ["worker"])
