"""The hub: hands each event of the feed to the clients that may see it. It lives in memory and waits for nothing."""

import asyncio
import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import structlog
from prometheus_client import Counter

from chassis.crash_points import crash_point
from chassis.http.protocol import chunk
from gateway.feed.entries import Entry, comment, entry_of
from gateway.feed.listener import Listener
from gateway.feed.positions import Position, partition_of
from gateway.feed.recent import Recent

HEARTBEAT_S = 10

_OFFERED = Counter("stoa_gateway_feed_offered_total", "Events handed to clients")
_CUT_OFF = Counter("stoa_gateway_feed_cut_off_total", "Clients cut off because they read too slowly")

log = structlog.get_logger("feed")


class Hub:
    """Clients by organisation and user, and the newest part of each partition.

    The tail fills it. Whoever joins sees everything from the head on at which it joined, since nothing here awaits
    between the two.
    """

    def __init__(self) -> None:
        self.cluster = ""
        self.era = 0
        """Counts how often positions have lost their meaning."""
        self._recent: list[Recent] = []
        self._members: dict[UUID, dict[UUID, set[Listener]]] = {}
        self._beats: list[set[Listener]] = [set() for _ in range(HEARTBEAT_S)]
        self._next_beat = itertools.cycle(self._beats)

    @property
    def ready(self) -> bool:
        """Whether clients can join: where each partition is read from is known."""
        return bool(self._recent)

    def begin(self, cluster: str, firsts: Iterable[int]) -> None:
        """From these offsets on the partitions will be taken, each record once and in order."""
        self.cluster = cluster
        self._recent = [Recent(first) for first in firsts]

    def forget(self) -> None:
        """Positions given out until now mean nothing any more: lets all clients go, they come back and load anew."""
        self.era += 1
        self._recent = []
        for listener in itertools.chain.from_iterable(map(tuple, self._beats)):
            listener.end()

    def recent(self, partition: int) -> Recent:
        return self._recent[partition]

    def head(self, org_id: UUID) -> Position:
        """The position of the newest event that this replica has read of the organisation's partition."""
        partition = partition_of(org_id)
        return Position(self.cluster, partition, self._recent[partition].head - 1)

    def take(self, partition: int, offset: int, headers: Sequence[tuple[str, bytes]], value: bytes | None) -> None:
        """Takes a record of the feed and offers it to those who may see it."""
        entry = entry_of(headers, value, Position(self.cluster, partition, offset))
        self._recent[partition].add(offset, entry)
        users = self._members.get(entry.org_id) if entry is not None else None
        if entry is None or users is None:
            return
        seeing = users if entry.users is None else [user for user in entry.users if user in users]
        self._offer([one for user in seeing for one in users[user] if one.wants(entry.kind)], entry)

    def _offer(self, listeners: Sequence[Listener], entry: Entry) -> None:
        if not listeners:
            return
        crash_point("feed.sending")
        framed = chunk(entry.frame)
        for listener in listeners:
            if not listener.offer(framed):
                _CUT_OFF.inc()
                log.info("client-cut-off", org_id=str(listener.org_id), user_id=str(listener.user_id))
        _OFFERED.inc(len(listeners))
        crash_point("feed.sent")

    @contextmanager
    def joined(self, listener: Listener) -> Iterator[None]:
        """While inside, the listener is offered what it may see, from the present head on, and heartbeats."""
        users = self._members.setdefault(listener.org_id, {})
        own = users.setdefault(listener.user_id, set())
        beats = next(self._next_beat)
        own.add(listener)
        beats.add(listener)
        try:
            yield
        finally:
            own.discard(listener)
            beats.discard(listener)
            if not own:
                del users[listener.user_id]
            if not users:
                del self._members[listener.org_id]

    async def beat(self) -> None:
        """For ever: each second a heartbeat to a tenth of the clients, so that they never come all at once."""
        for beats in itertools.cycle(self._beats):
            await asyncio.sleep(1)
            for listener in beats if self.ready else ():
                listener.offer(chunk(comment("heartbeat", self.head(listener.org_id))))
