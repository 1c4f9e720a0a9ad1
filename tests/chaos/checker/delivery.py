"""I1, I2, I17: nothing accepted is lost, nothing is made up, all of it is what its contract says."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from contracts.envelope import BadData, BadEnvelope, Envelope, UnknownKind, UnknownVersion, decode

from ..dumps import Record
from .evidence import COMPACTED, FEED, Evidence, Violation, readers

SCHEMAS = Path(__file__).parents[3] / "libs" / "contracts" / "schemas"


def no_lost_event(evidence: Evidence) -> Iterator[Violation]:
    """I1, second half: each row of an outbox was sent, stands in its topic, and was applied by each of its readers."""
    subscribers = readers()
    for one in evidence.outbox:
        ids = (one.event_id, f"{one.topic} {one.key} {one.sequence}")
        if one.row["sent_at"] is None:
            yield Violation("I1", f"{one.kind} was never sent", ids)
        elif one.event_id not in evidence.records and one.topic not in COMPACTED:
            yield Violation("I1", f"{one.kind} is marked as sent and is not in its topic", ids)
        for consumer in sorted(subscribers.get(one.topic, ())):
            if not evidence.has_applied(consumer, one):
                yield Violation("I1", f"{consumer} has not applied {one.kind}", ids)


def no_lost_public_event(evidence: Evidence) -> Iterator[Violation]:
    """I1 for the gateway, which has no inbox: each event that somebody may see live stands in the feed."""
    for event_id, records in evidence.records.items():
        headers = records[0].headers
        is_public = headers.get("ce_audience") != "internal" and "ce_orgid" in headers
        if is_public and event_id not in evidence.fed:
            yield Violation("I1", f"{records[0].kind} is not in the feed", (event_id, records[0].position))


def no_phantom(evidence: Evidence) -> Iterator[Violation]:
    """I2: each record is a committed row of an outbox, as it was committed; each live event is one of these."""
    for event_id, records in evidence.records.items():
        yield from _unlike_its_row(evidence, event_id, records)
    for event_id, records in evidence.fed.items():
        source = evidence.records.get(event_id)
        if source is None:
            yield Violation("I2", "an event of the feed stands in no other topic", (event_id, records[0].position))
        else:
            for record in records:
                if (record.headers, record.value) != (source[0].headers, source[0].value):
                    yield Violation("I2", "the feed's copy of an event differs from it", (event_id, record.position))
    for line in evidence.notes:
        if line.op == "event" and line.value["id"] not in evidence.sent:
            yield Violation("I2", f"{line.process} saw an event that was never committed", (line.value["id"],))


def _unlike_its_row(evidence: Evidence, event_id: str, records: list[Record]) -> Iterator[Violation]:
    one = evidence.sent.get(event_id)
    if one is None:
        yield Violation("I2", f"{records[0].kind} has no row in any outbox", (event_id, records[0].position))
        return
    for record in records:
        if record.topic != one.topic or record.key != one.key:
            yield Violation("I2", "an event stands under another topic or key", (event_id, record.position))
        elif record.headers != one.headers or record.value != bytes(one.row["value"]):
            yield Violation("I2", "a record differs from its row of the outbox", (event_id, record.position))


def as_declared(evidence: Evidence) -> Iterator[Violation]:
    """I17: each record is what the committed schema of its kind says, and today's readers can decode it."""
    for topic in evidence.dump.topics:
        for record in evidence.dump.records(topic):
            if (wrong := _wrong_with(record)) is not None:
                yield Violation("I17", f"{record.kind or 'a record'}: {wrong}", (record.event_id, record.position))


def _wrong_with(record: Record) -> str | None:
    try:
        envelope = Envelope.from_headers((name, value.encode()) for name, value in record.headers.items())
        event = decode(envelope, record.value)
        _schema(record.headers["ce_dataschema"]).validate(json.loads(record.value))
    except (BadEnvelope, BadData, UnknownKind, UnknownVersion) as error:
        return str(error)
    except (ValidationError, OSError) as error:
        return f"the committed schema: {str(error).splitlines()[0]}"
    if record.topic not in (FEED, event.contract.topic.name):
        return f"is no kind of {record.topic}"
    return None


@cache
def _schema(name: str) -> Draft202012Validator:
    kind, version = name.removeprefix("urn:stoa:schema:").rsplit(":", 1)
    service, _, noun = kind.partition(".")
    schema: dict[str, Any] = json.loads((SCHEMAS / service / f"{noun}.v{version}.json").read_text())
    return Draft202012Validator(schema, format_checker=FormatChecker())
