"""Whether the topics that a consumer reads are still there.

A broker that lost its disk comes back without them. aiokafka then joins its group with no partitions, and would look
for new ones in five minutes only.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka.errors import UnknownTopicOrPartitionError

_LOOK_S = 3.0
_REJOINS = 3


def require_topics(consumer: Any, topics: Iterable[str]) -> None:
    """Raises UnknownTopicOrPartitionError when one is gone, by what the client was last told; it asks nobody.

    `topics` are names at the broker, with their namespace.
    """
    gone = [topic for topic in topics if consumer.partitions_for_topic(topic) is None]
    if gone:
        raise UnknownTopicOrPartitionError(f"topics are gone: {', '.join(gone)}")


async def topics_stay(consumer: Any, topics: Iterable[str]) -> None:
    """Looks every three seconds, until one is gone: then raises UnknownTopicOrPartitionError.

    A consumer that joined in the moment in which a topic was made may have been given none of its partitions. It joins
    again then, some times: as the group's leader it shares them out anew, else nothing happens.
    """
    names, without = list(topics), 0
    while True:
        await asyncio.sleep(_LOOK_S)
        require_topics(consumer, names)
        without = 0 if consumer.assignment() else without + 1
        if 0 < without <= _REJOINS:
            consumer._coordinator.request_rejoin()
