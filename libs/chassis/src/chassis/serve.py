"""One process of a service: its HTTP side, its components, an orderly start and an orderly end.

HTTP comes up first and says by `/health/ready` what is still missing; nothing waits for the broker or the database.
At SIGTERM: stop accepting, finish requests (5 s), stop the components, the last started first, close the pools.
"""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

import structlog
import uvicorn
import uvloop
from starlette.types import ASGIApp

from chassis.component import Component
from chassis.health import Health
from chassis.http.protocol import BoundedProtocol
from chassis.kafka.consumer import Consumer
from chassis.logging import set_up_logging
from chassis.metrics import count_tasks, serve_metrics
from chassis.settings import ProcessSettings, refuse
from chassis.telemetry import set_up_tracing
from chassis.watchdog import EXIT_SOFTWARE, Watchdog, end_within

GRACE_S = 5
ROLES = ("api", "worker", "relay")
END_S = 30
"""How long the end may take in all, before the process ends without waiting for what hangs."""

S = TypeVar("S", bound=ProcessSettings)
Checks: TypeAlias = Callable[[], Mapping[str, Health]]

log = structlog.get_logger()


@dataclass(frozen=True)
class Parts:
    """What a container hands to its process.

    `app` makes the HTTP side from the health checks; `bare_app` the one of a process without the role `api`.
    `always` run in every process (pool, keys, revocations), `workers` (consumers, retriers, runs) and `relay` under
    their roles. `closing` is called as soon as the process is told to stop, e.g. to end streams that have no end of
    their own; `close` at the end, in order. `consumers` are those that the workers contain, for operators.
    """

    app: Callable[[Checks], ASGIApp]
    bare_app: Callable[[Checks], ASGIApp]
    always: Sequence[Component] = ()
    api: Sequence[Component] = ()
    workers: Sequence[Component] = ()
    relay: Sequence[Component] = ()
    closing: Sequence[Callable[[], None]] = ()
    close: Sequence[Callable[[], Awaitable[None]]] = field(default=())
    consumers: Sequence[Consumer[Any]] = ()

    def components(self, roles: Sequence[str]) -> list[Component]:
        """Those that run under the roles, in the order of their start."""
        by_role = {"api": self.api, "worker": self.workers, "relay": self.relay}
        return [*self.always, *(component for role in ROLES if role in roles for component in by_role[role])]


@dataclass(frozen=True)
class Service(Generic[S]):
    """A service as its `__main__` names it: the settings it reads and the container that wires it."""

    name: str
    settings: type[S]
    build: Callable[[S], Parts]


def serve(service: Service[S], settings: S, roles: Sequence[str] = ROLES) -> int:
    """Runs the process until it is told to stop, and answers its exit code."""
    readable = settings.development and sys.stdout.isatty()
    set_up_logging(service.name, settings.log_level, readable=readable, lasting=True)
    listening = _listen(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_watched(_serve(service, settings, roles, listening)))


async def _watched(serving: Coroutine[None, None, int]) -> int:
    with Watchdog().watching():
        return await serving


def _listen(settings: ProcessSettings) -> socket.socket:
    try:
        return socket.create_server((settings.http_host, settings.http_port), backlog=2048)
    except OSError as error:
        refuse([f"STOA_HTTP_PORT: {settings.http_host}:{settings.http_port} cannot be listened on ({error.strerror})"])


async def _serve(service: Service[S], settings: S, roles: Sequence[str], listening: socket.socket) -> int:
    tracing = set_up_tracing(service.name, endpoint=settings.otlp_endpoint, sampling=settings.trace_sampling)
    metrics = serve_metrics(service.name, settings.metrics_host, settings.metrics_port)
    count_tasks()
    with made_to_stay():
        parts = service.build(settings)
        components = parts.components(roles)
        make_app = parts.app if "api" in roles else parts.bare_app
        server = _Server(_config(make_app(lambda: {part.name: part.health() for part in components})), parts.closing)
    try:
        log.info("process.started", port=listening.getsockname()[1], roles=list(roles))
        code = await _run(server, listening, components)
    finally:
        for close in parts.close:
            await close()
        await asyncio.to_thread(metrics.close)
        await asyncio.to_thread(tracing.shutdown)
    log.info("process.stopped", code=code)
    return code


@contextmanager
def made_to_stay() -> Iterator[None]:
    """What is made inside lives as long as the process: the garbage collector never looks at it, now or later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
        reset_contextvars=True,
    )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, closing: Sequence[Callable[[], None]]) -> None:
        super().__init__(config)
        self._closing = closing

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to `_run`: uvicorn would raise them again at its end, before the components have stopped."""
        yield

    def stop(self) -> None:
        """Ends serving gracefully; called again, at once."""
        self.force_exit = self.should_exit
        self.should_exit = True
        for call in self._closing:
            call()


async def _run(server: _Server, listening: socket.socket, components: Sequence[Component]) -> int:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="http")
    running = [asyncio.create_task(component.run(), name=component.name) for component in components]
    try:
        await asyncio.wait([serving, *running], return_when=asyncio.FIRST_COMPLETED)
        end_within(END_S)
        ended = [task for task in running if task.done()]
        server.should_exit = True
        await serving
    finally:
        for task in reversed(running):
            await _cancel(task)
    return EXIT_SOFTWARE if ended else 0


async def _cancel(task: "asyncio.Task[None]") -> None:
    """Ends a component and says so if it had ended by itself or does not end."""
    if task.done():
        error = None if task.cancelled() else task.exception()
        log.error("process.component_ended", component=task.get_name(), exc_info=error)
        return
    task.cancel()
    await asyncio.wait([task], timeout=GRACE_S)
    if not task.done():
        log.error("process.component_hangs", component=task.get_name())
    elif not task.cancelled() and task.exception() is not None:
        log.error("process.component_failed_to_stop", component=task.get_name(), exc_info=task.exception())
