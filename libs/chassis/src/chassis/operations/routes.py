"""The operators' routes of a service, the same for all: each area adds its own to one router."""

from chassis.http.pages import Cursors
from chassis.http.routing import Router
from chassis.operations.dead_letters_routes import dead_letters_routes
from chassis.operations.operator import Operators


def operations_routes(service: str, operators: Operators, cursors: Cursors) -> Router:
    """All that an operator may do to a service over HTTP, below `/operations/<service>`."""
    router = Router(prefix=f"/operations/{service}", tags=["operations"])
    dead_letters_routes(router, operators, cursors)
    return router
