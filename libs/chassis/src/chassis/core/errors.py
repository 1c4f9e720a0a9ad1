"""Expected failures are values: a frozen class with a slug and a kind, returned inside `Err`, never raised."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """What sort of failure it is. One table (`chassis.http.problems`) turns it into a status."""

    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    STALE = "stale"
    INVALID = "invalid"
    PRECONDITION_REQUIRED = "precondition-required"
    LIMITED = "limited"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class Failure:
    """Base of every expected failure.

    `slug` is part of the public contract (`urn:stoa:problem:<slug>`) and never changes. `field` is the JSON pointer of
    the input that broke the rule, where there is one (`/title`).
    """

    slug: ClassVar[str]
    kind: ClassVar[Kind]
    title: ClassVar[str]

    @property
    def detail(self) -> str:
        """One sentence for the person who reads the answer: which rule was broken, by what."""
        return self.title

    @property
    def field(self) -> str | None:
        return None


class Passing(Exception):
    """Raised where the infrastructure cannot do something now and will later, so that the same work is tried again.

    Consumers and runs wait for it in place; over HTTP `failure` is the answer.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


@dataclass(frozen=True)
class StaleRevision(Failure):
    """The caller names a revision that the object no longer has. `present` is the one that it has now."""

    present: int
    slug: ClassVar[str] = "stale-revision"
    kind: ClassVar[Kind] = Kind.STALE
    title: ClassVar[str] = "The object has changed since you read it"

    @property
    def detail(self) -> str:
        return f'The object has changed since you read it: its ETag is "{self.present}" now.'
