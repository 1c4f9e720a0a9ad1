"""One client of the live feed, as the hub sees it."""

import asyncio
from uuid import UUID

from gateway.feed.entries import Entry
from gateway.feed.kinds import Kinds

MOST_FRAMES = 1_000
MOST_BYTES = 1024 * 1024


class Listener:
    """A bounded queue of frames. When it is full the client is too slow: it is cut off, and may resume by its position.

    The hub offers, without waiting; the client's own task takes all there is and writes it in one piece.
    """

    __slots__ = ("_bytes", "_ended", "_frames", "_kinds", "_waiter", "org_id", "user_id")

    def __init__(self, org_id: UUID, user_id: UUID, kinds: Kinds | None) -> None:
        self.org_id = org_id
        self.user_id = user_id
        self._kinds = kinds
        self._frames: list[bytes] = []
        self._bytes = 0
        self._ended = False
        self._waiter: asyncio.Future[None] | None = None

    def wants(self, kind: str) -> bool:
        return self._kinds is None or self._kinds.has(kind)

    def may_see(self, entry: Entry) -> bool:
        """Whether the entry is of this client's organisation, meant for this user, and of a kind it asked for."""
        return entry.org_id == self.org_id and entry.is_for(self.user_id) and self.wants(entry.kind)

    def offer(self, frame: bytes) -> bool:
        """Queues a frame. False when that was one too many, and the client is cut off."""
        if self._ended:
            return True
        self._frames.append(frame)
        self._bytes += len(frame)
        if len(self._frames) > MOST_FRAMES or (self._bytes > MOST_BYTES and len(self._frames) > 1):
            self.end()
            return False
        self._wake()
        return True

    def end(self) -> None:
        """Lets the client go. What is queued is dropped: it comes again when the client resumes."""
        self._ended = True
        self._frames.clear()
        self._wake()

    async def take(self) -> bytes | None:
        """All queued frames, when there are some; None once the client was let go."""
        while not self._frames:
            if self._ended:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        taken = b"".join(self._frames)
        self._frames.clear()
        self._bytes = 0
        return taken

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
