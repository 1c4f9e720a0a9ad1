"""What the sample service publishes and reads, under names that no service of the product has."""

from datetime import timedelta
from uuid import UUID

from contracts.audience import internal, to_org
from contracts.event import Event, Moment, contract
from contracts.topics import Topic

THINGS = Topic("testing-things", "aggregate", "thing id", timedelta(days=1), "testing", partitions=3)
ORDERS = Topic("testing-orders", "record", "thing id", timedelta(days=1), "testing", partitions=3)
REPLIES = Topic("testing-replies", "record", "thing id", timedelta(days=1), "testing", partitions=1)
TOPICS = (THINGS, ORDERS, REPLIES)


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
