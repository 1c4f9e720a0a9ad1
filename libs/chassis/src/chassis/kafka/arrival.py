"""A Kafka record as the chassis sees it: an event under its envelope, or poison with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chassis.inbox import Span
from contracts.envelope import BadData, BadEnvelope, Envelope, UnknownKind, UnknownVersion, decode
from contracts.event import Event
from contracts.topics import Topic


@dataclass(frozen=True, slots=True)
class Arrival:
    """`event` is None for a kind that is not known here, and for poison; `poison` then says what is wrong.

    `key` is text for tables: bytes that are no UTF-8 are shown escaped. `event_id` falls back to the position.
    """

    topic: str
    aggregate: bool
    partition: int
    offset: int
    key: str
    raw_key: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None
    envelope: Envelope | None
    event: Event | None
    poison: str | None

    @property
    def sequence(self) -> int | None:
        """None for records, whatever their headers say, and where no envelope tells it."""
        return self.envelope.sequence if self.aggregate and self.envelope is not None else None

    @property
    def event_id(self) -> str:
        if self.envelope is not None:
            return str(self.envelope.id)
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def kind(self) -> str:
        """What the envelope says, or `poison` where there is none."""
        return self.envelope.kind if self.envelope is not None else "poison"

    @property
    def label(self) -> str:
        """For metrics: the kind where it is declared here; a stranger cannot make up more labels."""
        return self.kind if self.event is not None else "poison" if self.poison is not None else "unknown"

    @classmethod
    def of(cls, record: Any, topic: Topic) -> "Arrival":
        """Reads an aiokafka record of `topic`. Never raises for what a stranger may have sent."""
        headers = tuple(record.headers)
        aggregate = topic.sort == "aggregate"
        envelope, event, poison = _read(headers, record.key, record.value, aggregate=aggregate)
        return cls(
            topic=topic.name,
            aggregate=aggregate,
            partition=record.partition,
            offset=record.offset,
            key=(record.key or b"").decode(errors="backslashreplace").replace("\x00", "\\x00"),
            raw_key=record.key,
            headers=headers,
            value=record.value,
            envelope=envelope,
            event=event,
            poison=poison,
        )


def spans_of(arrivals: Sequence[Arrival]) -> list[Span] | None:
    """Per aggregate the first and last sequence of a batch; None when there is poison, a gap or a repeat in it."""
    spans: dict[tuple[str, str], Span] = {}
    for arrival in arrivals:
        if arrival.poison is not None:
            return None
        if arrival.sequence is None:
            continue
        key = (arrival.topic, arrival.key)
        first = spans[key].first if key in spans else arrival.sequence
        if key in spans and arrival.sequence != spans[key].last + 1:
            return None
        spans[key] = Span(*key, first, arrival.sequence)
    return list(spans.values())


def _read(
    headers: Sequence[tuple[str, bytes | None]], key: bytes | None, value: bytes | None, *, aggregate: bool
) -> tuple[Envelope | None, Event | None, str | None]:
    try:
        envelope = Envelope.from_headers(headers)
    except BadEnvelope as error:
        return None, None, str(error)
    if (key or b"") != envelope.subject.encode():
        # Its sequence is another aggregate's: under this key it would take the place of an event that belongs there.
        return None, None, "the key is not ce_subject"
    if aggregate and envelope.sequence is None:
        return envelope, None, "'ce_sequence' is missing"
    try:
        return envelope, decode(envelope, value or b""), None
    except UnknownKind:
        return envelope, None, None
    except (UnknownVersion, BadData) as error:
        return envelope, None, f"{type(error).__name__}: {error}"
