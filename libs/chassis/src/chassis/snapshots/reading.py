"""What a reader makes of the messages on the owners' snapshot topics, one after the other."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar
from uuid import UUID

import structlog

from chassis.crash_points import crash_point
from chassis.database import Database, driver, steadily
from chassis.kafka.arrival import Arrival
from chassis.snapshots import rebuilds
from chassis.snapshots.applying import Applying
from chassis.snapshots.rebuilds import Mode, Progress, Rebuild
from contracts.snapshots.v1 import Begun, Captured, Ended

log = structlog.get_logger("rebuilds")

_BATCH = 50
"""So many items hold the locks of their keys together; live events of those keys wait meanwhile."""

Tx = TypeVar("Tx")
V = TypeVar("V")


class Reading(Generic[Tx]):
    """Applies the snapshots that were asked for here. What belongs to others is passed over.

    An owner that was stopped half-way begins the same request anew: then two snapshots of it may be under way, and the
    one that is complete ends the rebuild. Applying an item twice changes nothing.
    """

    def __init__(self, system: Database, applying: Mapping[str, Applying[Tx]]) -> None:
        self._system = system
        self._applying = applying
        self._asked: Mapping[UUID, Rebuild] = {}
        self._progress: dict[str, Progress] = {}
        self._waiting: dict[str, list[Captured]] = {}
        self._foreign: set[str] = set()

    def expect(self, asked: Sequence[Rebuild]) -> None:
        """These, and no others, have not ended."""
        self._asked = {one.id: one for one in asked}
        self._progress = {key: one for key, one in self._progress.items() if one.rebuild.id in self._asked}

    async def take(self, arrival: Arrival) -> None:
        """One message; items wait for more of them, for the end, or for `note`. While the database is away it waits."""
        if arrival.key in self._foreign:
            return
        event = arrival.event
        if isinstance(event, Begun):
            self._begin(arrival, event)
            return
        progress = self._progress.get(arrival.key)
        if progress is None:
            return
        waiting = self._waiting.setdefault(arrival.key, [])
        if isinstance(event, Captured):
            waiting.append(event)
        if isinstance(event, Ended) or len(waiting) == _BATCH:
            await self._apply(arrival.key, progress)
        if isinstance(event, Ended) and arrival.key in self._progress:
            await self._end(arrival.key, progress, event)

    async def note(self) -> None:
        """Applies what waits for more, and writes down how far each snapshot has come."""
        for key, progress in list(self._progress.items()):
            await self._apply(key, progress)
            await _steadily(partial(self._write, progress))

    async def _apply(self, key: str, progress: Progress) -> None:
        """What waits, as one batch; where that fails item by item, to find out which it is. That ends the rebuild."""
        items = self._waiting.pop(key, [])
        try:
            await self._batch(progress, items)
            return
        except Exception as error:
            log.warning("rebuild-goes-one-by-one", consumer=progress.rebuild.consumer, error=type(error).__name__)
        for item in items:
            try:
                await self._batch(progress, [item])
            except Exception as error:
                log.exception("rebuild-failed", consumer=progress.rebuild.consumer, key=item.key)
                await self._close(key, progress, f"{item.key}: {type(error).__name__}: {error}")
                return

    async def _batch(self, progress: Progress, items: Sequence[Captured]) -> None:
        rebuild = progress.rebuild
        if any(item.topic != rebuild.topic for item in items):
            raise ValueError(f"a snapshot of {rebuild.topic} holds items of another topic")
        if items:
            applying = self._applying[rebuild.consumer]
            effects = await _steadily(partial(applying.take, rebuild.mode, items, rebuild.id))
            for item, effect in zip(items, effects, strict=True):
                progress.count(item.key, effect)
            crash_point("rebuild.batch")

    def _begin(self, arrival: Arrival, event: Begun) -> None:
        """Only the owner of a topic states its aggregates, whoever else may have answered."""
        rebuild = self._asked.get(event.request_id)
        owner = event.contract.topic
        applying = self._applying.get(rebuild.consumer) if rebuild is not None else None
        source = applying.consumer.source if applying is not None else None
        if rebuild is None or source is None or source.producer != owner.producer or arrival.topic != owner.name:
            self._foreign.add(arrival.key)
            return
        log.info("rebuild-begun", consumer=rebuild.consumer, mode=rebuild.mode.value, snapshot=arrival.key)
        self._progress[arrival.key] = Progress(rebuild, event.snapshot_id)

    async def _end(self, key: str, progress: Progress, event: Ended) -> None:
        if progress.items != event.items:
            await self._close(key, progress, f"{progress.items} of the snapshot's {event.items} items could be read")
            return
        if progress.rebuild.mode is not Mode.SEED:
            await self._look_for_strangers(progress)
        crash_point("rebuild.ending")
        await self._close(key, progress, None)

    async def _look_for_strangers(self, progress: Progress) -> None:
        """Rows of nothing: every key of the snapshot has its row of the inbox by now, and so has what came later."""
        rebuild = progress.rebuild
        applying = self._applying[rebuild.consumer]
        for stranger in await _steadily(partial(applying.strangers, rebuild.topic)):
            progress.differs(stranger)
            if rebuild.mode is Mode.REBUILD:
                await _steadily(partial(applying.remove, rebuild.topic, stranger))

    async def _close(self, key: str, progress: Progress, error: str | None) -> None:
        await _steadily(partial(self._write, progress, ended=True, error=error))
        del self._progress[key]
        self._foreign.add(key)
        told = {"items": progress.items, "differing": progress.differing, "error": error}
        log.info("rebuild-ended", consumer=progress.rebuild.consumer, mode=progress.rebuild.mode.value, **told)

    async def _write(self, progress: Progress, *, ended: bool = False, error: str | None = None) -> None:
        async with self._system.system_transaction() as connection:
            raw = await driver(connection)
            await rebuilds.note(raw, progress)
            if ended:
                await rebuilds.end(raw, progress.rebuild.id, error)


async def _steadily(attempt: Callable[[], Awaitable[V]]) -> V:
    return await steadily(attempt, _wait)


def _wait(error: Exception, pause_s: float) -> None:
    log.warning("rebuild-waits", error=type(error).__name__, pause_s=pause_s)
