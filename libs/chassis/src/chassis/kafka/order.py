"""Where events stand in the order of their keys."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

from chassis.inbox import Inbox
from chassis.kafka.arrival import Arrival


class Place(Enum):
    """Where an event stands in the order of its key."""

    NEXT = "next"
    SEEN = "seen"
    BEHIND = "waits for the parked events before it"
    GAP = "waits for the event before it"
    UNCLEAR = "its key was parked meanwhile"


SETTLED = (Place.SEEN, Place.BEHIND)


async def seen_of(connection: Any, inbox: Inbox, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Those that were applied before, by one look for all; the others are new, or have to be looked at one by one."""
    ordered = {(one.topic, one.key, one.sequence): one for one in arrivals if one.sequence is not None}
    records = {one.event_id: one for one in arrivals if not one.aggregate and one.envelope is not None}
    return [
        *(ordered[place] for place in (await inbox.passed(connection, list(ordered)) if ordered else ())),
        *(records[event_id] for event_id in (await inbox.recorded(connection, list(records)) if records else ())),
    ]
