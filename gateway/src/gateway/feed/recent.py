"""The newest part of one partition of the feed, in memory: for clients that were away for a moment only."""

from bisect import bisect_right
from collections import deque

from gateway.feed.entries import Entry

MOST_ENTRIES = 2_000
MOST_BYTES = 2 * 1024 * 1024


class Recent:
    """All readable entries from offset `first` up to, not including, `head`."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.head = first
        self._entries: deque[Entry] = deque()
        self._bytes = 0

    def add(self, offset: int, entry: Entry | None) -> None:
        """Takes the record at `offset`; None for one that no client is sent. The oldest ones go when it is full."""
        self.head = offset + 1
        if entry is None:
            return
        self._entries.append(entry)
        self._bytes += len(entry.frame)
        while len(self._entries) > MOST_ENTRIES or self._bytes > MOST_BYTES:
            oldest = self._entries.popleft()
            self._bytes -= len(oldest.frame)
            self.first = oldest.offset + 1

    def after(self, offset: int, most: int) -> list[Entry]:
        """The next entries behind `offset`, which must not lie before `first - 1`."""
        start = bisect_right(self._entries, offset, key=lambda entry: entry.offset)
        return [self._entries[index] for index in range(start, min(start + most, len(self._entries)))]
