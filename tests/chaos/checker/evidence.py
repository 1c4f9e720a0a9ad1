"""What a check looks at, with the indexes that several of them need."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from contracts.registry import all_contracts, all_topics

from ..dumps import Dump, Record, Row
from ..history import NEMESIS, Line, Operation

WITHOUT_GROUP = (".revocations", ".rebuilds")
"""Consumers with these endings tail a topic: they have neither group nor inbox."""


@dataclass(frozen=True)
class Violation:
    """What does not hold. `ids` are of events, keys, rows or requests, to be looked up in the report."""

    invariant: str
    what: str
    ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}" + (f" [{', '.join(self.ids)}]" if self.ids else "")


@dataclass(frozen=True)
class Sent:
    """A row of an outbox, with the service whose it is."""

    service: str
    row: Row

    @cached_property
    def headers(self) -> dict[str, str]:
        return dict(self.row["headers"])

    @cached_property
    def data(self) -> Any:
        """The decoded value."""
        return json.loads(self.row["value"])

    @property
    def event_id(self) -> str:
        return self.headers["ce_id"]

    @property
    def kind(self) -> str:
        return self.headers["ce_type"]

    @property
    def topic(self) -> str:
        return str(self.row["topic"])

    @property
    def key(self) -> str:
        return str(self.row["key"])

    @property
    def sequence(self) -> int | None:
        found: int | None = self.row["sequence"]
        return found


def readers() -> dict[str, set[str]]:
    """By topic, the consumers that keep an inbox for it. Each applies all kinds of a topic, also those it skips."""
    found = defaultdict[str, set[str]](set)
    for event in all_contracts():
        groups = (reader for reader in event.contract.readers if not reader.endswith(WITHOUT_GROUP))
        found[event.contract.topic.name].update(groups)
    return dict(found)


AGGREGATES = frozenset(topic.name for topic in all_topics() if topic.sort == "aggregate")
COMPACTED = frozenset(topic.name for topic in all_topics() if topic.compacted)
FEED = "feed"
SNAPSHOTS = frozenset(topic.name for topic in all_topics() if topic.name.endswith("-snapshots"))
"""What stands on these was never in an outbox: it is asked for again when it is lost."""


@dataclass(frozen=True)
class Evidence:
    """A whole run, after it has become quiet."""

    operations: list[Operation] = field(default_factory=list)
    notes: list[Line] = field(default_factory=list)
    dump: Dump = field(default_factory=Dump)

    @cached_property
    def requests(self) -> list[Operation]:
        """What clients asked."""
        return [one for one in self.operations if one.process != NEMESIS]

    @cached_property
    def faults(self) -> list[Operation]:
        """What the nemesis did."""
        return [one for one in self.operations if one.process == NEMESIS]

    @cached_property
    def outbox(self) -> list[Sent]:
        """All rows of all outboxes, in order of their ids per service."""
        return [
            Sent(service, row)
            for service, tables in self.dump.tables.items()
            for row in sorted(tables.get("outbox", []), key=lambda row: row["id"])
        ]

    @cached_property
    def sent(self) -> dict[str, Sent]:
        """Outbox rows by event id."""
        return {one.event_id: one for one in self.outbox}

    @cached_property
    def records(self) -> dict[str, list[Record]]:
        """All records that relays sent, by event id."""
        relayed = self.dump.topics.keys() - SNAPSHOTS - {FEED}
        return _by_id(record for topic in relayed for record in self.dump.records(topic))

    @cached_property
    def fed(self) -> dict[str, list[Record]]:
        """The records of the feed by event id."""
        return _by_id(self.dump.records(FEED))

    @cached_property
    def inbox(self) -> dict[tuple[str, str, str], int]:
        """The last applied sequence by consumer, topic and key."""
        return {
            (row["consumer"], row["topic"], row["key"]): row["sequence"]
            for tables in self.dump.tables.values()
            for row in tables.get("inbox", [])
        }

    @cached_property
    def applied_records(self) -> set[tuple[str, str]]:
        """(consumer, event id) of the applied events that have no sequence."""
        return {
            (row["consumer"], row["event_id"])
            for tables in self.dump.tables.values()
            for row in tables.get("inbox_records", [])
        }

    @cached_property
    def dead_letters(self) -> list[Row]:
        """Of all services."""
        return [row for tables in self.dump.tables.values() for row in tables.get("dead_letters", [])]

    def events(self, kind: str) -> list[Sent]:
        """Outbox rows of one kind."""
        return [one for one in self.outbox if one.kind == kind]

    def has_applied(self, consumer: str, one: Sent) -> bool:
        """Whether the consumer's inbox is past the event."""
        if one.topic in AGGREGATES:
            return self.inbox.get((consumer, one.topic, one.key), 0) >= (one.sequence or 0)
        return (consumer, one.event_id) in self.applied_records


def _by_id(records: Iterable[Record]) -> dict[str, list[Record]]:
    found = defaultdict[str, list[Record]](list)
    for record in records:
        found[record.event_id].append(record)
    return dict(found)
