from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chassis.database import is_passing, is_statement_timeout
from chassis.kafka.failing import after_exception, after_not_yet

PASSING = [
    asyncpg.DeadlockDetectedError(),
    asyncpg.SerializationError(),
    asyncpg.LockNotAvailableError(),
    asyncpg.QueryCanceledError(),
    asyncpg.TooManyConnectionsError(),
    asyncpg.AdminShutdownError(),
    asyncpg.ConnectionDoesNotExistError(),
    asyncpg.DiskFullError(),
    asyncpg.IdleInTransactionSessionTimeoutError(),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("cannot switch to state 12"),
    PoolTimeout(),
    ConnectionRefusedError(),
    OSError("Multiple exceptions"),
    TimeoutError(),
]
LASTING = [
    asyncpg.UniqueViolationError(),
    asyncpg.UndefinedTableError(),
    asyncpg.DataError("invalid input for query argument $1"),
    asyncpg.InFailedSQLTransactionError(),
    FileNotFoundError(2, "No such file", "missing.txt"),
    ValueError(),
    KeyError(),
]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_trouble_of_the_infrastructure_passes(error: Exception) -> None:
    assert is_passing(error)


@pytest.mark.parametrize("error", LASTING, ids=lambda error: type(error).__name__)
def test_a_fault_of_the_event_or_the_code_does_not_pass(error: Exception) -> None:
    assert not is_passing(error)


def test_an_error_counts_the_same_in_the_wrapping_of_sqlalchemy() -> None:
    assert is_passing(wrapped(asyncpg.DeadlockDetectedError()))
    assert not is_passing(wrapped(asyncpg.UniqueViolationError()))
    assert is_passing(wrapped(asyncpg.UniqueViolationError(), connection_invalidated=True))


def test_a_statement_timeout_is_told_from_other_trouble() -> None:
    assert is_statement_timeout(wrapped(asyncpg.QueryCanceledError()))
    assert not is_statement_timeout(wrapped(asyncpg.LockNotAvailableError()))


def test_an_exception_is_tried_again_after_growing_pauses_and_then_no_more() -> None:
    pauses = [after_exception(failures) for failures in (1, 2, 3, 4, 5)]
    assert pauses == [timedelta(seconds=0.2), timedelta(seconds=1), timedelta(seconds=5), None, None]


def test_what_is_missing_is_looked_for_soon_at_first_and_then_each_second() -> None:
    assert after_not_yet(timedelta(0)) == timedelta(milliseconds=50)
    assert after_not_yet(timedelta(seconds=1)) == timedelta(milliseconds=500)
    assert after_not_yet(timedelta(seconds=29)) == timedelta(seconds=1)


def wrapped(error: Exception, *, connection_invalidated: bool = False) -> DBAPIError:
    made = DBAPIError("SELECT 1", {}, error)
    made.connection_invalidated = connection_invalidated
    return made
