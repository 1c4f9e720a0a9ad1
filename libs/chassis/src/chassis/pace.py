"""Batches of what comes steadily, without making what comes alone wait."""

import asyncio
import time

BETWEEN_S = 0.01
"""From the beginning of one batch to that of the next. To wake for each event costs a process more than the event."""


class Pace:
    """Of whoever works in batches. What comes within `BETWEEN_S` of the last batch's beginning goes with the next."""

    def __init__(self) -> None:
        self._next = 0.0

    async def turn(self) -> None:
        """Returns when the next batch may begin: at once, unless the last one just did."""
        early = self._next - time.monotonic()
        if early > 0:
            await asyncio.sleep(early)
        self._next = time.monotonic() + BETWEEN_S
