"""What the gateway itself refuses. The services' refusals pass through it unchanged."""

from dataclasses import dataclass

from chassis.core.errors import Failure, Kind
from chassis.http.failures import HttpFailure


@dataclass(frozen=True)
class ServiceAway(Failure):
    slug = "service-away"
    kind = Kind.UNAVAILABLE
    title = "The service that answers this cannot be reached at the moment"

    @property
    def detail(self) -> str:
        return "The service that answers this cannot be reached; nothing was done. Try again after Retry-After seconds."


@dataclass(frozen=True)
class AnswerLost(Failure):
    slug = "answer-lost"
    kind = Kind.UNAVAILABLE
    title = "The service broke off before it answered"

    @property
    def detail(self) -> str:
        return (
            "The service broke off before it answered, so it is not known whether the request was carried out. "
            "Repeat it with the same Idempotency-Key."
        )


@dataclass(frozen=True)
class ServiceTooSlow(HttpFailure):
    slug = "service-too-slow"
    kind = Kind.UNAVAILABLE
    status = 504
    title = "The service did not answer in time"

    @property
    def detail(self) -> str:
        return (
            "The service did not answer in time, so it is not known whether the request was carried out. "
            "Repeat it with the same Idempotency-Key."
        )
