"""Whether a consumer moves: one that says it is well and yet stands still ends its process, which is started again.

Looked at from what the client knows by itself. Only when something has stood still for long are the broker and the
database asked: while one of them is away a consumer waits, which is no reason to end.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiokafka import TopicPartition

from chassis.kafka.offsets import Offsets

STUCK_S = 60.0
LOOK_S = 10.0
_ANSWER_S = 1.0

log = structlog.get_logger("consumer")


class ConsumerIsStuck(Exception):
    """Records wait, broker and database answer, and nothing moves."""


class Progress:
    """Watches one reading. `busy` tells whether records are being applied, `steps` counts what was handled so far,
    `well` whether the consumer says that it is, and `lag` asks broker and database: how many records wait beyond the
    committed offsets, None when one of the two does not answer.
    """

    def __init__(
        self,
        offsets: Offsets,
        *,
        busy: Callable[[], bool],
        steps: Callable[[], int],
        well: Callable[[], bool],
        lag: Callable[[], Awaitable[int | None]],
    ) -> None:
        self._offsets = offsets
        self._busy = busy
        self._steps = steps
        self._well = well
        self._lag = lag
        self._since: dict[Any, tuple[Any, float]] = {}
        self._takes = 0

    async def run(self) -> None:
        """Looks until something is stuck, which it raises as ConsumerIsStuck."""
        confirmed = 0
        while True:
            await asyncio.sleep(LOOK_S)
            still = await self._still() if self._well() else None
            waiting = await self._lag() if still else 0
            if waiting is None or not self._well():
                self._since.clear()
            confirmed = confirmed + 1 if waiting else 0
            # Looked at twice: after an outage the client may need a moment to find what the broker already tells.
            if confirmed > 1:
                raise ConsumerIsStuck(f"{still}; {waiting} records wait while broker and database answer")

    async def _still(self) -> str | None:
        """What has stood still for too long, in words."""
        offsets = self._offsets
        busy = self._busy()
        if self._stands("handling", (offsets.settled, self._steps()), waits=busy):
            return f"no event was settled for {STUCK_S:.0f} s"
        if self._stands("committing", offsets.commits, waits=offsets.uncommitted):
            return f"no offset could be committed for {STUCK_S:.0f} s"
        fetches = not busy or offsets.takes != self._takes
        self._takes = offsets.takes
        for partition in offsets.consumer.assignment():
            if self._stands(partition, await self._heard(partition), waits=fetches):
                return f"nothing came from {partition.topic}/{partition.partition} for {STUCK_S:.0f} s"
        return None

    async def _heard(self, partition: TopicPartition) -> Any:
        """What changes as long as the broker is asked for a partition, and its answers are taken."""
        consumer = self._offsets.consumer
        position = await _position(consumer, partition)
        asked, end = consumer.last_poll_timestamp(partition), consumer.highwater(partition)
        return (position, asked) if position is not None and position == end else (position, None)

    def _stands(self, what: Any, value: Any, *, waits: bool) -> bool:
        """Whether `value` has been the same for too long, while it should have changed."""
        now = time.monotonic()
        before, since = self._since.get(what, (None, now))
        if not waits or before != value or what not in self._since:
            self._since[what] = (value, now)
            return False
        return now - since >= STUCK_S


async def _position(consumer: Any, partition: TopicPartition) -> int | None:
    try:
        async with asyncio.timeout(_ANSWER_S):
            return int(await consumer.position(partition))
    except TimeoutError:
        return None
