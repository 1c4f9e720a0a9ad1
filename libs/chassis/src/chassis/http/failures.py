"""What HTTP itself refuses, before or around a use case. A service's own failures are in its `domain/errors.py`."""

from dataclasses import dataclass
from typing import ClassVar

from chassis.core.errors import Failure, Kind


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong part of a request.

    `pointer` is a JSON pointer into the body (`/title`, the whole body is the empty one), `?name` for a query parameter
    or a header's name; `rule` is a stable slug such as `missing` or `string-too-long`.
    """

    pointer: str
    rule: str
    detail: str


@dataclass(frozen=True)
class HttpFailure(Failure):
    """A failure with a status of its own, where no kind of the domain has one."""

    status: ClassVar[int]


@dataclass(frozen=True)
class MalformedJson(Failure):
    slug = "malformed-json"
    kind = Kind.MALFORMED
    title = "The body is not JSON"
    rule: str = "expected one JSON value in UTF-8"

    @property
    def detail(self) -> str:
        return f"The body is not JSON: {self.rule}."


@dataclass(frozen=True)
class MalformedRequest(Failure):
    slug = "malformed-request"
    kind = Kind.MALFORMED
    title = "The request breaks the rules of HTTP or of this API"
    rule: str = ""

    @property
    def detail(self) -> str:
        return self.rule or self.title


@dataclass(frozen=True)
class InvalidInput(Failure):
    slug = "invalid-input"
    kind = Kind.INVALID
    title = "The input breaks a rule"
    errors: tuple[FieldError, ...] = ()

    @property
    def detail(self) -> str:
        count = len(self.errors)
        return f"{count} part{'s' if count != 1 else ''} of the request broke a rule; see errors."


@dataclass(frozen=True)
class Unauthenticated(Failure):
    slug = "unauthenticated"
    kind = Kind.UNAUTHENTICATED
    title = "An access token is needed"

    @property
    def detail(self) -> str:
        return "Send an access token: Authorization: Bearer <token>."


@dataclass(frozen=True)
class InvalidToken(Failure):
    slug = "invalid-token"
    kind = Kind.UNAUTHENTICATED
    title = "The access token is not valid"
    rule: str = "it cannot be verified"

    @property
    def detail(self) -> str:
        return f"The access token is not valid: {self.rule}."


@dataclass(frozen=True)
class NotFound(Failure):
    slug = "not-found"
    kind = Kind.NOT_FOUND
    title = "There is nothing here"
    rule: str = "no route has this path"

    @property
    def detail(self) -> str:
        return f"There is nothing here: {self.rule}."


@dataclass(frozen=True)
class MethodNotAllowed(HttpFailure):
    slug = "method-not-allowed"
    kind = Kind.INVALID
    status = 405
    title = "The route does not take this method"


@dataclass(frozen=True)
class BodyTooLarge(HttpFailure):
    slug = "body-too-large"
    kind = Kind.INVALID
    status = 413
    title = "The body is too large"
    limit: int = 0

    @property
    def detail(self) -> str:
        return f"The body may have {self.limit} bytes." if self.limit else self.title


@dataclass(frozen=True)
class UnsupportedMediaType(HttpFailure):
    slug = "unsupported-media-type"
    kind = Kind.INVALID
    status = 415
    title = "The body must be application/json"


@dataclass(frozen=True)
class HeadersTooLarge(HttpFailure):
    slug = "headers-too-large"
    kind = Kind.INVALID
    status = 431
    title = "There are too many headers"


@dataclass(frozen=True)
class RequestTooSlow(HttpFailure):
    slug = "request-too-slow"
    kind = Kind.INVALID
    status = 408
    title = "The request did not arrive in time"


@dataclass(frozen=True)
class InternalError(HttpFailure):
    slug = "internal-error"
    kind = Kind.UNAVAILABLE
    status = 500
    title = "Something went wrong on our side"

    @property
    def detail(self) -> str:
        return "Something went wrong on our side. Name the request_id when you report it."


@dataclass(frozen=True)
class Unavailable(Failure):
    slug = "unavailable"
    kind = Kind.UNAVAILABLE
    title = "Not available at the moment"

    @property
    def detail(self) -> str:
        return "Not available at the moment; try again after the time in Retry-After."


@dataclass(frozen=True)
class IfMatchRequired(Failure):
    slug = "if-match-required"
    kind = Kind.PRECONDITION_REQUIRED
    title = "A change needs If-Match"

    @property
    def detail(self) -> str:
        return 'A change needs If-Match with the ETag that was last read, e.g. If-Match: "3".'


@dataclass(frozen=True)
class IfMatchMalformed(Failure):
    slug = "if-match-malformed"
    kind = Kind.MALFORMED
    title = 'If-Match must be one strong ETag as given, e.g. "3"'


@dataclass(frozen=True)
class KeyMalformed(Failure):
    slug = "idempotency-key-malformed"
    kind = Kind.MALFORMED
    title = "Idempotency-Key must be 1 to 255 visible ASCII characters"


@dataclass(frozen=True)
class KeyReused(Failure):
    slug = "idempotency-key-reused"
    kind = Kind.INVALID
    title = "The Idempotency-Key was used for another request"


@dataclass(frozen=True)
class StillRunning(Failure):
    slug = "request-still-running"
    kind = Kind.CONFLICT
    title = "The first request with this Idempotency-Key is still running"


@dataclass(frozen=True)
class InvalidCursor(Failure):
    slug = "invalid-cursor"
    kind = Kind.MALFORMED
    title = "The cursor was altered or belongs to another list"
