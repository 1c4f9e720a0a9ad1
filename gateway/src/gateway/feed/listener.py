"""One client of the live feed, as the hub sees it."""

import asyncio
from uuid import UUID

from chassis.http.protocol import Outlet
from gateway.feed.entries import Entry
from gateway.feed.kinds import Kinds

MOST_BYTES = 1024 * 1024
"""So much may wait for a client that does not read, beside what the kernel holds for it."""


class Listener:
    """The hub writes each event to the client's connection, as a chunk that is the same for all: no task wakes for it.

    A client that does not keep pace is cut off, and may resume by its position.
    """

    __slots__ = ("_ended", "_kinds", "_outlet", "org_id", "user_id")

    def __init__(self, org_id: UUID, user_id: UUID, kinds: Kinds | None, outlet: Outlet) -> None:
        self.org_id = org_id
        self.user_id = user_id
        self._kinds = kinds
        self._outlet = outlet
        self._ended = asyncio.Event()

    def wants(self, kind: str) -> bool:
        return self._kinds is None or self._kinds.has(kind)

    def may_see(self, entry: Entry) -> bool:
        """Whether the entry is of this client's organisation, meant for this user, and of a kind it asked for."""
        return entry.org_id == self.org_id and entry.is_for(self.user_id) and self.wants(entry.kind)

    def offer(self, chunk: bytes) -> bool:
        """Writes a chunk. False when too much waited already, and the client is cut off."""
        if self._ended.is_set() or self._outlet.is_closing:
            return True
        if self._outlet.waiting > MOST_BYTES:
            self.end()
            return False
        self._outlet.write(chunk)
        return True

    def end(self) -> None:
        """Lets the client go: what it has not been sent comes again when it resumes."""
        self._ended.set()

    async def ended(self) -> None:
        """Returns once the client was let go."""
        await self._ended.wait()
