"""Which headers pass the gateway, in both directions. Those that pass are passed byte for byte."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

from chassis.http.failures import MalformedRequest
from chassis.http.problems import ProblemError

RawHeaders: TypeAlias = Sequence[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
    }
)
"""RFC 9110, section 7.6.1, and what older clients send."""

_MADE_HERE = frozenset({"host", "content-length", "expect", "x-request-id", "traceparent", "tracestate", "baggage"})

_CLAIMS = frozenset(
    {
        "forwarded",
        "via",
        "remote-user",
        "true-client-ip",
        "cf-connecting-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-real-ip",
        "x-original-url",
        "x-rewrite-url",
        "x-http-method-override",
    }
)
_CLAIM_PREFIXES = (
    "x-forwarded",
    "x-user",
    "x-org",
    "x-role",
    "x-tenant",
    "x-auth",
    "x-remote",
    "x-consumer",
    "x-stoa",
    "stoa-",
    "ce-",
)
"""What a client says of itself and of its way here: nobody behind the gateway is to believe it, so nobody sees it."""

_ANSWERED_HERE = frozenset({"date", "server", "x-request-id", "traceparent"})


@lru_cache(maxsize=1024)
def _stays_out(name: bytes) -> bool:
    """Underscores count as hyphens, since some servers read them so."""
    text = name.decode("latin-1").replace("_", "-")
    return text in _HOP_BY_HOP or text in _MADE_HERE or text in _CLAIMS or text.startswith(_CLAIM_PREFIXES)


@lru_cache(maxsize=1024)
def _stays_in(name: bytes) -> bool:
    text = name.decode("latin-1")
    return text in _HOP_BY_HOP or text in _ANSWERED_HERE


def forwarded(headers: RawHeaders) -> list[tuple[str, str]]:
    """The client's headers that go on to a service. Names are lower-case already.

    Raises ProblemError (400) for a value that is no UTF-8 and for more than one Authorization, which two readers could
    read differently.
    """
    named = _named_by_connection(headers)
    passed = [(name, value) for name, value in headers if not _stays_out(name) and name not in named]
    if sum(name == b"authorization" for name, _ in passed) > 1:
        raise ProblemError(MalformedRequest("there may be one Authorization header"))
    try:
        return [(name.decode(), value.decode()) for name, value in passed]
    except UnicodeDecodeError:
        raise ProblemError(MalformedRequest("header values must be UTF-8")) from None


def returned(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    """A service's headers that go back to the client."""
    lowered = [(name.lower(), value) for name, value in headers]
    named = _named_by_connection(lowered)
    return [(name, value) for name, value in lowered if not _stays_in(name) and name not in named]


def _named_by_connection(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """Headers that the Connection header declares to be for this hop only."""
    named = [value for name, value in headers if name == b"connection"]
    if not named:
        return frozenset()
    return frozenset(option.strip().lower() for value in named for option in value.split(b","))


def value_of(headers: RawHeaders, name: bytes) -> str | None:
    """The first value of a header, or None."""
    return next((value.decode("latin-1") for known, value in headers if known == name), None)
