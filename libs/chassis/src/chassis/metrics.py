"""Numbers for Prometheus, at `/metrics` on a port of their own, never on the public one.

A metric is declared where it is counted, with prometheus_client and the prefix `stoa_`:

    APPLIED = Counter("stoa_consumer_events_total", "Events handled", ["consumer", "kind", "outcome"])

The label `service` is added to all of them here. No label ever holds the id of an organisation, user or object.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import REGISTRY, CollectorRegistry, Gauge, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_TASKS = Gauge("stoa_tasks", "Tasks of the event loop")


def count_tasks() -> None:
    """From now on `stoa_tasks` tells of the running loop."""
    loop = asyncio.get_running_loop()
    _TASKS.set_function(lambda: len(asyncio.all_tasks(loop)))


class _WithService(Collector):
    def __init__(self, service: str, source: CollectorRegistry) -> None:
        self._service = service
        self._source = source

    def collect(self) -> Iterator[Metric]:
        for metric in self._source.collect():
            metric.samples = [
                sample._replace(labels={"service": self._service, **sample.labels}) for sample in metric.samples
            ]
            yield metric


@dataclass(frozen=True)
class MetricsServer:
    """The running endpoint. It lives in a thread, so that it answers while the event loop is busy."""

    port: int
    _server: WSGIServer
    _thread: Thread

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve_metrics(service: str, host: str, port: int, source: CollectorRegistry = REGISTRY) -> MetricsServer:
    """Starts the endpoint; port 0 takes a free one. Raises OSError when the port is taken."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_WithService(service, source))
    server, thread = start_http_server(port, addr=host, registry=registry)
    return MetricsServer(server.server_port, server, thread)
