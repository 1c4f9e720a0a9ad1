"""What follows a failed try: which failures are the event's own, and when it is tried again."""

from datetime import timedelta

import structlog

from chassis.database import Database, is_passing, is_statement_timeout
from chassis.kafka.arrival import Arrival

log = structlog.get_logger("consumer")

_AFTER_EXCEPTION = (timedelta(milliseconds=200), timedelta(seconds=1), timedelta(seconds=5))
_SHORTEST_WAIT = timedelta(milliseconds=50)
_LONGEST_WAIT = timedelta(seconds=1)


def after_exception(failures: int) -> timedelta | None:
    """When to try again after so many exceptions of a handler; None: a person has to look."""
    return _AFTER_EXCEPTION[failures - 1] if failures <= len(_AFTER_EXCEPTION) else None


def after_not_yet(waited: timedelta) -> timedelta:
    """When to look again for what is missing: soon at first, then each second."""
    return min(max(waited / 2, _SHORTEST_WAIT), _LONGEST_WAIT)


def log_parked(consumer: str, arrival: Arrival, reason: str) -> None:
    """Says that an event now waits for a person: `poison`, `exception`, `not-yet`, `gap` or `kills-its-process`."""
    log.warning("event-parked", consumer=consumer, kind=arrival.kind, event_id=arrival.event_id, reason=reason)


async def is_its_own(error: Exception, database: Database) -> bool:
    """Whether the event is at fault, so that trying it again in place is of no use.

    A statement that runs into its time-out is at fault while the database answers others.
    """
    if not is_passing(error):
        return True
    return is_statement_timeout(error) and await _answers(database)


async def _answers(database: Database) -> bool:
    try:
        async with database.system_transaction() as connection:
            await connection.exec_driver_sql("SELECT 1")
    except Exception as error:
        if not is_passing(error):
            raise
        return False
    return True
