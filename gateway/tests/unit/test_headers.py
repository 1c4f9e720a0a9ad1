"""Which headers pass, in both directions."""

import pytest

from chassis.http.problems import ProblemError
from gateway.proxy.headers import forwarded, returned


def test_what_passes_keeps_order_and_repeats() -> None:
    headers = [(b"accept", b"a"), (b"x-b", b"1"), (b"accept", b"b"), (b"x-b", "ü".encode())]
    assert forwarded(headers) == [("accept", "a"), ("x-b", "1"), ("accept", "b"), ("x-b", "ü")]


@pytest.mark.parametrize(
    "name", ["x-forwarded-for", "x_forwarded_for", "forwarded", "x-user-id", "x-stoa-org", "ce-id"]
)
def test_claims_do_not_pass(name: str) -> None:
    assert forwarded([(name.encode(), b"1")]) == []


@pytest.mark.parametrize("name", ["transfer-encoding", "connection", "te", "upgrade", "keep-alive", "host", "expect"])
def test_what_is_for_one_hop_does_not_pass(name: str) -> None:
    assert forwarded([(name.encode(), b"1")]) == []


def test_connection_names_more_of_them() -> None:
    headers = [(b"connection", b"close, X-One"), (b"connection", b"x-two"), (b"x-one", b"1"), (b"x-two", b"2")]
    assert forwarded(headers) == []
    assert returned([(b"Connection", b"X-One"), (b"X-One", b"1"), (b"X-Two", b"2")]) == [(b"x-two", b"2")]


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    with pytest.raises(ProblemError):
        forwarded([(b"x-name", b"\xff")])


def test_answers_pass_byte_for_byte() -> None:
    headers = [(b"X-Raw", b"\xff\xfe"), (b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2"), (b"Content-Length", b"3")]
    assert returned(headers) == [(name.lower(), value) for name, value in headers]


def test_what_the_edge_answers_itself_is_not_doubled() -> None:
    assert returned([(b"Date", b"x"), (b"Server", b"x"), (b"X-Request-ID", b"x"), (b"traceparent", b"x")]) == []
