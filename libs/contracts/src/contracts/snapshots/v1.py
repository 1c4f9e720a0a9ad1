"""Version 1 of how a snapshot is asked for, and of the three messages that it consists of.

Each owner declares the three as kinds of its own: `<service>.snapshot-begun`, `<service>.aggregate-captured` and
`<service>.snapshot-ended`. All messages of a snapshot have its id as Kafka key, so one partition keeps their order.
"""

from uuid import UUID

from pydantic import Field, JsonValue

from contracts.audience import internal
from contracts.event import Event, Ordinal, contract
from contracts.snapshots.topics import REQUESTS


@contract(
    "snapshots.snapshot-requested",
    topic=REQUESTS,
    audience=internal,
    readers=("agent.snapshots", "auth.snapshots", "chats.snapshots", "modules.snapshots"),
)
class SnapshotRequested(Event):
    """A reader wants all aggregates of a topic as they now are; whoever owns another topic passes over it."""

    request_id: UUID
    topic: str
    consumer: str


class Begun(Event):
    """A snapshot begins. An owner that is stopped half-way begins anew, under another snapshot id."""

    snapshot_id: UUID
    request_id: UUID
    topic: str


class Captured(Event):
    """An aggregate of the topic: its public state after its event `sequence`; null for one that was deleted."""

    snapshot_id: UUID
    topic: str
    key: str
    sequence: Ordinal
    organisation_id: UUID | None
    state: dict[str, JsonValue] | None


class Ended(Event):
    """All aggregates of the topic, so many items, stand before this."""

    snapshot_id: UUID
    items: int = Field(ge=0)
