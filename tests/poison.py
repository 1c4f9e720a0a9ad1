"""Records that are no events, and how to make them: for tests that plant them in the running system."""

from collections.abc import Callable
from datetime import UTC, datetime

from chassis.core import new_id
from contracts.envelope import Envelope
from contracts.event import Event
from contracts.files import Files
from contracts.registry import all_contracts
from contracts.topics import Topic

Headers = list[tuple[str, bytes]]
Harm = Callable[[Headers, bytes], tuple[Headers, bytes | None]]

CONTRACTS = {event.contract.topic.name: event for event in all_contracts()}
"""One kind of each topic."""


def _with(name: str, value: bytes) -> Harm:
    return lambda headers, data: ([*_less(headers, name), (name, value)], data)


def _less(headers: Headers, name: str) -> Headers:
    return [header for header in headers if header[0] != name]


POISON: dict[str, Harm] = {
    "bytes that are no event": lambda headers, data: ([], b"\xff\x00\xfe"),
    "no headers": lambda headers, data: ([], data),
    "a missing header": lambda headers, data: (_less(headers, "ce_id"), data),
    "a header that is not UTF-8": _with("ce_source", b"/stoa/\xff"),
    "a doubled header": lambda headers, data: ([*headers, ("ce_id", b"1")], data),
    "an unknown version": lambda headers, data: _with("ce_dataschema", _schema(headers, 99))(headers, data),
    "broken data": lambda headers, data: (headers, data[: len(data) // 2]),
    "other data": lambda headers, data: (headers, b'{"nothing": 1}'),
    "no data": lambda headers, data: (headers, None),
}
PASSED_OVER: dict[str, Harm] = {
    "an unknown kind": lambda headers, data: (
        [
            *_less(_less(headers, "ce_type"), "ce_dataschema"),
            ("ce_type", b"auth.moon-risen"),
            ("ce_dataschema", b"urn:stoa:schema:auth.moon-risen:1"),
        ],
        data,
    ),
}


def _schema(headers: Headers, version: int) -> bytes:
    return dict(headers)["ce_dataschema"].rpartition(b":")[0] + f":{version}".encode()


def harmed(topic: Topic, key: bytes, harm: Harm) -> tuple[Headers, bytes | None]:
    """Headers and value of a record for this topic and key; without the harm, it would be an event."""
    event = CONTRACTS.get(topic.name, next(iter(CONTRACTS.values())))
    return harm(_good_headers(event, topic, key), Files().example(event).read_bytes())


def _good_headers(event: type[Event], topic: Topic, key: bytes) -> Headers:
    return Envelope(
        id=new_id(),
        kind=event.contract.kind,
        version=event.contract.version,
        source="/stoa/auth",
        subject=key.decode(),
        time=datetime.now(UTC),
        org_id=new_id(),
        actor="system:auth",
        audience="org",
        sequence=1 if topic.sort == "aggregate" else None,
        correlation_id=new_id(),
        causation_id=None,
        traceparent=None,
    ).to_headers()
