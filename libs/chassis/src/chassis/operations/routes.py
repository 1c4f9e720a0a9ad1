"""The operators' routes of a service, the same for all: each area adds its own to one router."""

from collections.abc import Sequence
from typing import Any

from chassis.http.pages import Cursors
from chassis.http.routing import Router
from chassis.kafka.connection import Kafka
from chassis.kafka.consumer import Consumer
from chassis.operations.consumers_routes import consumers_routes
from chassis.operations.dead_letters_routes import dead_letters_routes
from chassis.operations.operator import Operators
from chassis.operations.outbox_routes import outbox_routes
from chassis.operations.projections_routes import projections_routes


def operations_routes(
    service: str, operators: Operators, cursors: Cursors, kafka: Kafka, consumers: Sequence[Consumer[Any]] = ()
) -> Router:
    """All that an operator may do to a service over HTTP, below `/operations/<service>`."""
    router = Router(prefix=f"/operations/{service}", tags=["operations"])
    dead_letters_routes(router, operators, cursors)
    outbox_routes(router, operators, kafka)
    consumers_routes(router, operators, kafka, service)
    projections_routes(router, operators, kafka, consumers)
    return router
