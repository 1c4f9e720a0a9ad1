from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import LONGEST_HEADER, MOST_HEADERS, BadEnvelope, Envelope

from .envelopes import USER, envelope, envelopes

REQUIRED = (
    "ce_specversion",
    "content-type",
    "ce_id",
    "ce_type",
    "ce_source",
    "ce_subject",
    "ce_time",
    "ce_dataschema",
    "ce_actor",
    "ce_audience",
    "ce_correlationid",
)
OPTIONAL = ("ce_orgid", "ce_sequence", "ce_causationid")
FULL = envelope(causation_id=UUID(int=7))


def refusal(headers: list[tuple[str, Any]]) -> tuple[str, str]:
    with pytest.raises(BadEnvelope) as refused:
        Envelope.from_headers(headers)
    return refused.value.field, refused.value.rule


def with_header(name: str, value: Any) -> list[tuple[str, Any]]:
    return [(other, value if other == name else kept) for other, kept in FULL.to_headers()]


@given(envelopes)
def test_an_envelope_survives_its_headers(made: Envelope) -> None:
    assert Envelope.from_headers(made.to_headers()) == made


def test_headers_are_those_of_the_conventions() -> None:
    assert dict(envelope().to_headers()) == {
        "ce_specversion": b"1.0",
        "ce_id": b"01a1fd8e-4144-7a53-9c9f-6b4f5a0f5d21",
        "ce_type": b"chats.message-sent",
        "ce_source": b"/stoa/chats",
        "ce_subject": b"01a1fd8e-3dc0-7c1e-b7c7-0d0c1b2a3f44",
        "ce_time": b"2026-11-21T10:02:00.900000Z",
        "ce_dataschema": b"urn:stoa:schema:chats.message-sent:1",
        "content-type": b"application/json",
        "ce_orgid": b"01a1fd8c-6d00-7f0e-a1b2-c3d4e5f60718",
        "ce_actor": f"user:{USER}".encode(),
        "ce_audience": f"users:{USER}".encode(),
        "ce_sequence": b"2",
        "ce_correlationid": b"01a1fd8e-4143-7d0a-8f00-1a2b3c4d5e6f",
        "traceparent": b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }


def test_time_is_written_in_utc() -> None:
    in_berlin = datetime(2026, 11, 21, 11, 2, tzinfo=timezone(timedelta(hours=1)))
    assert dict(envelope(time=in_berlin).to_headers())["ce_time"] == b"2026-11-21T10:02:00Z"


def test_foreign_headers_are_passed_over() -> None:
    assert Envelope.from_headers([*FULL.to_headers(), ("baggage", "größe=12".encode())]) == FULL


def test_order_of_headers_does_not_matter() -> None:
    assert Envelope.from_headers(reversed(FULL.to_headers())) == FULL


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_header_is_named(name: str) -> None:
    headers = [header for header in FULL.to_headers() if header[0] != name]
    assert refusal(headers) == (name, "is missing")


@pytest.mark.parametrize("name", OPTIONAL)
def test_an_optional_header_may_be_missing(name: str) -> None:
    headers = [header for header in FULL.to_headers() if header[0] != name]
    assert Envelope.from_headers(headers) != FULL


@pytest.mark.parametrize("name", [*REQUIRED, *OPTIONAL, "traceparent"])
def test_a_doubled_header_is_named(name: str) -> None:
    headers = FULL.to_headers()
    assert refusal([*headers, (name, dict(headers)[name])]) == (name, "appears twice")


@pytest.mark.parametrize("name", [*REQUIRED, *OPTIONAL, "traceparent"])
def test_a_header_that_is_not_utf_8_is_named(name: str) -> None:
    assert refusal(with_header(name, b"\xff\xfe")) == (name, "must be UTF-8")


def test_a_foreign_header_that_is_not_utf_8_is_poison_too() -> None:
    assert refusal([*FULL.to_headers(), ("baggage", b"\xc3\x28")]) == ("baggage", "must be UTF-8")


@pytest.mark.parametrize("name", [*REQUIRED, *OPTIONAL, "traceparent"])
def test_a_header_of_a_wrong_type_is_named(name: str) -> None:
    for value in (None, "text", 12):
        assert refusal(with_header(name, value)) == (name, "must have a value of bytes")


@pytest.mark.parametrize("name", [*REQUIRED, *OPTIONAL, "traceparent"])
def test_a_huge_header_is_named(name: str) -> None:
    huge = b"a" * (LONGEST_HEADER + 1)
    assert refusal(with_header(name, huge)) == (name, f"must not be longer than {LONGEST_HEADER} bytes")


def test_too_many_headers_are_refused() -> None:
    many = [(f"x-{number}", b"") for number in range(MOST_HEADERS + 1)]
    assert refusal(many)[0] == f"x-{MOST_HEADERS}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_specversion", "0.3"),
        ("content-type", "application/avro"),
        ("ce_id", "01A1FD8E-4144-7A53-9C9F-6B4F5A0F5D21"),
        ("ce_id", "{01a1fd8e-4144-7a53-9c9f-6b4f5a0f5d21}"),
        ("ce_id", "01a1fd8e41447a539c9f6b4f5a0f5d21"),
        ("ce_id", "01a1fd8e-4144-7a53-9c9f-6b4f5a0f5d21\n"),
        ("ce_type", "chats"),
        ("ce_type", "chats.message"),
        ("ce_type", "Chats.message-sent"),
        ("ce_type", "chats.message-sent\nlevel=error"),
        ("ce_source", "/elsewhere/chats"),
        ("ce_subject", ""),
        ("ce_subject", "two words"),
        ("ce_subject", "a" * 201),
        ("ce_time", "2026-11-21 10:02:00Z"),
        ("ce_time", "2026-11-21T10:02:00+00:00"),
        ("ce_time", "2026-11-21T10:02:00"),
        ("ce_time", "2026-02-30T10:02:00Z"),
        ("ce_time", "2026-11-21T25:02:00Z"),
        ("ce_time", "٢٠٢٦-11-21T10:02:00Z"),
        ("ce_dataschema", "urn:stoa:schema:chats.message-sent"),
        ("ce_dataschema", "urn:stoa:schema:chats.message-sent:0"),
        ("ce_dataschema", "urn:stoa:schema:chats.message-sent:1.5"),
        ("ce_dataschema", "urn:stoa:schema:chats.chat-opened:1"),
        ("ce_orgid", ""),
        ("ce_orgid", "acme"),
        ("ce_actor", "user:ada"),
        ("ce_actor", f"user:{USER};agent:{USER};run:{USER}"),
        ("ce_actor", f"user:{USER};agent:{USER}@0;run:{USER}"),
        ("ce_actor", f"agent:{USER}@1"),
        ("ce_actor", "system:"),
        ("ce_audience", "everyone"),
        ("ce_audience", "users:"),
        ("ce_audience", f"users:{USER},"),
        ("ce_sequence", "0"),
        ("ce_sequence", "-1"),
        ("ce_sequence", "01"),
        ("ce_sequence", "1e3"),
        ("ce_sequence", "1_000"),
        ("ce_sequence", "٣"),
        ("ce_sequence", "9" * 19),
        ("ce_correlationid", "1"),
        ("ce_causationid", "1"),
    ],
)
def test_a_value_against_the_rule_is_named(name: str, value: str) -> None:
    field, rule = refusal(with_header(name, value.encode()))
    assert field == name
    assert rule.startswith("must ")


def test_a_refusal_does_not_repeat_the_value() -> None:
    with pytest.raises(BadEnvelope) as refused:
        Envelope.from_headers(with_header("ce_actor", b"ada@northern-lights.example"))
    assert "ada@" not in str(refused.value)


def test_a_refusal_cannot_forge_a_log_line() -> None:
    with pytest.raises(BadEnvelope) as refused:
        Envelope.from_headers([("x\nlevel=error", b"\xff")])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", [b"", b"garbage", b"00-" + b"0" * 32 + b"-zz-01"])
def test_an_unreadable_trace_parent_is_dropped_and_nothing_else(value: bytes) -> None:
    assert Envelope.from_headers(with_header("traceparent", value)) == envelope(
        causation_id=FULL.causation_id, traceparent=None
    )


@given(st.lists(st.tuples(st.sampled_from([*REQUIRED, *OPTIONAL, "traceparent", "x"]), st.binary(max_size=80))))
def test_any_headers_make_an_envelope_or_a_refusal(headers: list[tuple[str, bytes]]) -> None:
    with pytest.raises(BadEnvelope):
        Envelope.from_headers(headers)


@given(st.sampled_from(REQUIRED), st.binary(max_size=80))
def test_what_is_read_with_a_changed_header_can_be_written_again(name: str, value: bytes) -> None:
    with suppress(BadEnvelope):
        read = Envelope.from_headers(with_header(name, value))
        assert dict(read.to_headers())[name] == value


@pytest.mark.parametrize(
    ("attribute", "value", "header"),
    [
        ("kind", "MessageSent", "ce_type"),
        ("version", 0, "ce_dataschema"),
        ("source", "chats", "ce_source"),
        ("subject", "größe", "ce_subject"),
        ("time", datetime.fromisoformat("2026-11-21T10:02:00"), "ce_time"),
        ("actor", "ada", "ce_actor"),
        ("audience", "users:", "ce_audience"),
        ("audience", "users:" + ",".join([str(USER)] * 120), "ce_audience"),
        ("sequence", 0, "ce_sequence"),
        ("traceparent", "garbage", "traceparent"),
    ],
)
def test_a_writer_cannot_publish_what_a_reader_refuses(attribute: str, value: object, header: str) -> None:
    with pytest.raises(BadEnvelope) as refused:
        envelope(**{attribute: value}).to_headers()
    assert refused.value.field == header


def test_the_audience_of_a_full_chat_fits() -> None:
    fifty = "users:" + ",".join([str(USER)] * 50)
    assert Envelope.from_headers(envelope(audience=fifty).to_headers()).audience == fifty


def test_time_zone_of_a_read_envelope_is_utc() -> None:
    assert Envelope.from_headers(FULL.to_headers()).time.tzinfo is UTC
