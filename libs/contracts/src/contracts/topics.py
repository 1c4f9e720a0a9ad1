"""What a topic is. Each is declared once, in `contracts/<service>/topics.py` of the service that owns its name."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

CONTROL_PARTITIONS = 3
"""Of topics that tell processes what to do and carry little: each partition costs the broker and every reader."""


@dataclass(frozen=True)
class Topic:
    """One Kafka topic. `partitions` is fixed for its life: a change would break the order per key, so it means a new
    topic under a new name.

    `sort`: an *aggregate* topic carries facts of one aggregate, numbered +1, +1, … by `ce_sequence`; a *record* topic
    carries facts without a number.
    """

    name: str
    sort: Literal["aggregate", "record"]
    key: str
    retention: timedelta
    producer: str
    partitions: int = 12
    compacted: bool = False
