"""All that a service's domain may import beside the standard library: pure code, no input or output."""

from chassis.core.actor import Actor
from chassis.core.aggregate import Aggregate, DomainEvent, Recorded
from chassis.core.clock import Clock, SystemClock
from chassis.core.errors import Failure, Kind, StaleRevision
from chassis.core.ids import membership_id, new_id
from chassis.core.result import Err, NotYet, Ok, Outcome, Result

__all__ = [
    "Actor",
    "Aggregate",
    "Clock",
    "DomainEvent",
    "Err",
    "Failure",
    "Kind",
    "NotYet",
    "Ok",
    "Outcome",
    "Recorded",
    "Result",
    "StaleRevision",
    "SystemClock",
    "membership_id",
    "new_id",
]
