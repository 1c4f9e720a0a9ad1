"""What a handler answers: `Ok`, `Err` (refused for good) or, to an event only, `NotYet`."""

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from chassis.core.errors import Failure

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Ok(Generic[T_co]):
    """Done: the transaction commits."""

    value: T_co


@dataclass(frozen=True, slots=True)
class Err:
    """Refused by a rule, for good: what the handler wrote is rolled back."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class NotYet:
    """The event needs something that has not arrived here. It parks and is tried again by itself."""

    missing: str


Result: TypeAlias = Ok[T] | Err
Outcome: TypeAlias = Ok[object] | Err | NotYet
