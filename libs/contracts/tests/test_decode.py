import json

import pytest
from pydantic import ValidationError

from contracts.chats.v1 import MessageSent
from contracts.envelope import BadData, UnknownKind, UnknownVersion, decode
from contracts.event import Event
from contracts.files import Files
from contracts.registry import all_contracts

from .envelopes import envelope

EXAMPLE = Files().example(MessageSent).read_bytes()


def refusal(value: bytes) -> str:
    with pytest.raises(BadData) as refused:
        decode(envelope(), value)
    return str(refused.value)


def changed(**fields: object) -> bytes:
    return json.dumps(json.loads(EXAMPLE) | fields).encode()


@pytest.mark.parametrize("event", all_contracts(), ids=lambda event: event.contract.kind)
def test_every_example_is_decoded_by_its_kind(event: type[Event]) -> None:
    terms = event.contract
    read = decode(envelope(kind=terms.kind, version=terms.version), Files().example(event).read_bytes())
    assert type(read) is event


def test_unknown_fields_are_passed_over() -> None:
    assert decode(envelope(), changed(mood="sunny")) == decode(envelope(), EXAMPLE)


def test_an_optional_field_may_be_missing() -> None:
    document = json.loads(EXAMPLE)
    del document["run_id"]
    assert decode(envelope(), json.dumps(document).encode()) == decode(envelope(), EXAMPLE)


def test_an_unknown_kind_is_told_from_an_unknown_version() -> None:
    with pytest.raises(UnknownKind, match=r"chats\.chat-painted v1"):
        decode(envelope(kind="chats.chat-painted"), EXAMPLE)
    with pytest.raises(UnknownVersion, match=r"chats\.message-sent v99"):
        decode(envelope(version=99), EXAMPLE)


@pytest.mark.parametrize(
    "value", [b"", b"\xff\xfe", b"null", b"[]", b'"text"', b"{", b"{}", b"\x00\x00\x00\x00\x01avro", b"[" * 10_000]
)
def test_bytes_that_are_no_event_are_bad_data(value: bytes) -> None:
    assert refusal(value).startswith("chats.message-sent v1: /")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"number": "1"}, "/number"),
        ({"number": 1.5}, "/number"),
        ({"number": 0}, "/number"),
        ({"number": True}, "/number"),
        ({"chat_id": "lobby"}, "/chat_id"),
        ({"participants": {}}, "/participants"),
        ({"participants": ["ada"]}, "/participants/0"),
        ({"author": {"kind": "ghost"}}, "/author/kind"),
        ({"text": None}, "/text"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, object], pointer: str) -> None:
    assert refusal(changed(**fields)).startswith(f"chats.message-sent v1: {pointer}: ")


def test_a_refusal_does_not_repeat_the_data() -> None:
    assert "the secret plan" not in refusal(changed(number="the secret plan"))


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        decode(envelope(), EXAMPLE).__setattr__("text", "forged")
