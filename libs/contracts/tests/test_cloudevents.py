"""A stranger's view: the CloudEvents SDK reads what the services write, and the services read what it writes."""

import json

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given

from contracts.envelope import Envelope, decode
from contracts.event import Event
from contracts.files import Files
from contracts.registry import all_contracts

from .envelopes import envelope, envelopes


@pytest.mark.parametrize("event", all_contracts(), ids=lambda event: event.contract.kind)
def test_the_sdk_reads_every_kind(event: type[Event]) -> None:
    made = envelope(kind=event.contract.kind)
    value = Files().example(event).read_bytes()
    read = from_binary(KafkaMessage(dict(made.to_headers()), made.subject.encode(), value), JSONFormat())
    assert read.get_type() == event.contract.kind
    assert read.get_dataschema() == event.contract.schema_uri
    assert read.get_data() == json.loads(value)


@given(envelopes)
def test_the_sdk_reads_every_attribute(made: Envelope) -> None:
    read = from_binary(KafkaMessage(dict(made.to_headers()), None, b"{}"), JSONFormat())
    assert (read.get_id(), read.get_source(), read.get_subject()) == (str(made.id), made.source, made.subject)
    assert read.get_time() == made.time
    assert read.get_extension("actor") == made.actor
    assert read.get_extension("audience") == made.audience
    assert read.get_extension("sequence") == (str(made.sequence) if made.sequence else None)


def test_what_the_sdk_writes_is_read_here() -> None:
    made = envelope(traceparent=None)
    value = Files().example(all_contracts()[0]).read_bytes()
    read = from_binary(KafkaMessage(dict(made.to_headers()), None, value), JSONFormat())
    written = to_binary(read, JSONFormat())
    assert Envelope.from_headers(written.headers.items()) == made


def test_what_the_sdk_writes_is_decoded_here() -> None:
    made = envelope(traceparent=None)
    value = (Files().home / "examples/chats/message-sent.v1.json").read_bytes()
    written = to_binary(from_binary(KafkaMessage(dict(made.to_headers()), None, value), JSONFormat()), JSONFormat())
    assert decode(Envelope.from_headers(written.headers.items()), written.value) == decode(made, value)
