"""The owner of things, as its relay and its snapshots show it to others; no broker is between."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from chassis.core import new_id
from chassis.kafka.arrival import Arrival
from contracts.audience import to_org
from contracts.event import Event, contract

from ..sample.events import (
    SNAPSHOTS,
    THINGS,
    AggregateCaptured,
    SnapshotBegun,
    SnapshotEnded,
    ThingMade,
    ThingRenamed,
    ThingState,
)
from ..sample.topics import Message
from .model import Truth

_MOST_THINGS = 7
_MOST_EVENTS = 25


@contract("testing.thing-scrapped", topic=THINGS, audience=to_org)
class ThingScrapped(Event):
    """A thing is no more."""

    thing_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Record:
    """A message with the attributes of an aiokafka record."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    offset: int
    partition: int = 0


@dataclass(frozen=True, slots=True)
class Fact:
    """One event. `number`: its sequence; None for bytes under the thing's key that are no event."""

    thing: UUID
    number: int | None
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class Capture:
    """What the owner knew at one moment: the sequence of each thing, and whether it was deleted."""

    items: Mapping[UUID, tuple[int, bool]]


@dataclass
class Owner:
    """A few things, so that whoever works on them meets. The first is calm: nothing ever is wrong with its events.

    Events are named by their sequence, so that a copy tells which of them it shows. `committed`: the offsets of what
    was delivered at least once.
    """

    org_id: UUID
    random: Random
    things: dict[UUID, Truth] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    committed: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.calm = new_id()
        self.things[self.calm] = Truth(0, None)

    def publish(self) -> None:
        """One more event of a thing, perhaps of a new one, perhaps its last, and perhaps one that nobody can read."""
        thing = self._some_thing()
        number, troubled = self.things[thing].published + 1, thing != self.calm
        scrapped = troubled and number > 5 and self.random.random() < 0.04
        kind = ThingScrapped if scrapped else ThingMade if number == 1 else ThingRenamed
        event = kind(thing_id=thing, name=str(number))
        message = Message.of(event, key=str(thing), org_id=self.org_id, sequence=number)
        if troubled and self.random.random() < 0.05:
            message = message.with_value(b"{")
        self.things[thing] = Truth(number, number if scrapped else None)
        self._sent(thing, number, message)

    def publish_rubbish(self) -> None:
        """Bytes that are no event, under the key of a thing."""
        thing = self._some_thing()
        if thing != self.calm:
            fact = ThingRenamed(thing_id=thing, name="rubbish")
            message = Message.of(fact, key=str(thing), org_id=self.org_id, sequence=1)
            self._sent(thing, None, message.with_header("ce_id", b"rubbish"))

    def capture(self) -> Capture:
        return Capture({thing: (one.published, one.deleted_at is not None) for thing, one in self.things.items()})

    def _some_thing(self) -> UUID:
        if len(self.things) < _MOST_THINGS and self.random.random() < 0.15:
            thing = new_id()
            self.things[thing] = Truth(0, None)
        living = [thing for thing, one in self.things.items() if one.deleted_at is None]
        growing = [thing for thing in living if self.things[thing].published < _MOST_EVENTS]
        return self.random.choice(growing or [self.calm])

    def _sent(self, thing: UUID, number: int | None, message: Message) -> None:
        record = Record(message.key, message.value, message.headers, offset=len(self.facts))
        self.facts.append(Fact(thing, number, Arrival.of(record, THINGS)))


def snapshot(capture: Capture, request_id: UUID, org_id: UUID) -> Iterator[Arrival]:
    """The messages of one snapshot that was asked for. A thing without any event is not in it."""
    id_, known = new_id(), {thing: one for thing, one in capture.items.items() if one[0]}
    begun = SnapshotBegun(snapshot_id=id_, request_id=request_id, topic=THINGS.name)
    items = [_item(id_, thing, *one, org_id) for thing, one in known.items()]
    ended = SnapshotEnded(snapshot_id=id_, items=len(items))
    for offset, event in enumerate([begun, *items, ended]):
        message = Message.of(event, key=str(id_), org_id=org_id)
        yield Arrival.of(Record(message.key, message.value, message.headers, offset), SNAPSHOTS)


def _item(snapshot_id: UUID, thing: UUID, sequence: int, deleted: bool, org_id: UUID) -> AggregateCaptured:
    state = ThingState(thing_id=thing, organisation_id=org_id, name=str(sequence))
    told: dict[str, Any] | None = None if deleted else state.model_dump(mode="json")
    common = {"snapshot_id": snapshot_id, "topic": THINGS.name, "key": str(thing), "organisation_id": org_id}
    return AggregateCaptured(**common, sequence=sequence, state=told)
