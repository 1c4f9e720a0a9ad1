"""Where an event stands in the feed: what a client sends back to go on from there, at any replica."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from aiokafka.partitioner import DefaultPartitioner

from contracts.gateway.topics import FEED

_TEXT = re.compile(r"([0-9a-f]{8})-(0|[1-9][0-9]{0,3})-(-1|0|[1-9][0-9]{0,17})")
_PARTITIONS = list(range(FEED.partitions))
_partitioner = DefaultPartitioner()


@dataclass(frozen=True, slots=True)
class Position:
    """The last event that was seen: -1 before the first. `cluster` marks the broker's data, which may be replaced."""

    cluster: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.cluster}-{self.partition}-{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Position | None":
        """Reads what `str` wrote; None for anything else."""
        found = _TEXT.fullmatch(text)
        return cls(found[1], int(found[2]), int(found[3])) if found else None


def cluster_mark(cluster_id: str) -> str:
    """Eight hexadecimal digits that stand for a cluster id of Kafka."""
    return hashlib.sha256(cluster_id.encode()).hexdigest()[:8]


def key_of(org_id: UUID) -> bytes:
    """The key of an organisation's events on the feed."""
    return str(org_id).encode()


@lru_cache(maxsize=65_536)
def partition_of(org_id: UUID) -> int:
    """The one partition that an organisation's events are on: the choice that Kafka's own clients make by the key."""
    return int(_partitioner(key_of(org_id), _PARTITIONS, _PARTITIONS))
