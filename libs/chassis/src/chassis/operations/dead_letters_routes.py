"""Dead letters over HTTP, for operators."""

from chassis.http.pages import Cursors
from chassis.http.routing import Router
from chassis.operations.operator import Operators


def dead_letters_routes(router: Router, operators: Operators, cursors: Cursors) -> None:
    """Adds them to the operators' router of a service."""
