"""What the sample service publishes and reads, under names that no service of the product has."""

from datetime import timedelta
from uuid import UUID

from contracts.audience import internal, to_org
from contracts.event import Event, Moment, Part, contract
from contracts.snapshots import v1 as snapshots
from contracts.snapshots.topics import REQUESTS
from contracts.topics import Topic

THINGS = Topic("testing-things", "aggregate", "thing id", timedelta(days=1), "testing", partitions=3)
ORDERS = Topic("testing-orders", "record", "thing id", timedelta(days=1), "testing", partitions=3)
REPLIES = Topic("testing-replies", "record", "thing id", timedelta(days=1), "testing", partitions=1)
SNAPSHOTS = Topic("testing-snapshots", "record", "snapshot id", timedelta(days=1), "testing", partitions=3)
TOPICS = (THINGS, ORDERS, REPLIES, SNAPSHOTS, REQUESTS)


class ThingState(Part):
    """A thing as it now is."""

    thing_id: UUID
    organisation_id: UUID
    name: str


@contract("testing.thing-made", topic=THINGS, audience=to_org)
class ThingMade(Event):
    """There is a new thing."""

    thing_id: UUID
    name: str


@contract("testing.thing-renamed", topic=THINGS, audience=to_org)
class ThingRenamed(Event):
    """A thing has another name."""

    thing_id: UUID
    name: str


@contract("testing.order-placed", topic=ORDERS, audience=internal)
class OrderPlaced(Event):
    """Somebody wants something done with a thing, until `deadline`."""

    thing_id: UUID
    wish: str
    deadline: Moment


@contract("testing.order-refused", topic=REPLIES, audience=internal)
class OrderRefused(Event):
    """It will not be done."""

    thing_id: UUID
    slug: str


@contract("testing.snapshot-begun", topic=SNAPSHOTS, audience=internal)
class SnapshotBegun(snapshots.Begun):
    """A snapshot begins."""


@contract("testing.aggregate-captured", topic=SNAPSHOTS, audience=internal)
class AggregateCaptured(snapshots.Captured):
    """A thing as it now is."""


@contract("testing.snapshot-ended", topic=SNAPSHOTS, audience=internal)
class SnapshotEnded(snapshots.Ended):
    """A snapshot is complete."""
