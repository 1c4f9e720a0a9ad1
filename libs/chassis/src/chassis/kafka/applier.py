"""Applies what a consumer fetched: as one batch where all goes well, else event by event."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.core import NotYet, Ok
from chassis.crash_points import crash_point
from chassis.database import driver, is_passing, is_statement_timeout, steadily
from chassis.effects import Effects
from chassis.health import Health
from chassis.inbox import Span
from chassis.kafka.arrival import Arrival, spans_of
from chassis.kafka.attempts import KillsItsProcess
from chassis.kafka.dispatch import Dispatch, scope_of
from chassis.kafka.failing import after_exception, after_not_yet, is_its_own, log_parked
from chassis.kafka.order import SETTLED, Place, seen_of

log = structlog.get_logger("consumer")

_AT_ONCE = timedelta(0)

Tx = TypeVar("Tx")
V = TypeVar("V")


class Applier(Generic[Tx]):
    """`apply` returns when every event is applied, refused, dropped as seen, or parked; never with one undone.

    `parked` is set when there is something to try again. `steps` grows with each event that was handled.
    """

    def __init__(self, dispatch: Dispatch[Tx], parked: asyncio.Event) -> None:
        self._dispatch = dispatch
        self.database = dispatch.runner.database
        self._attempts = dispatch.attempts()
        self._parked = parked
        self.trouble: Health | None = None
        self.steps = 0

    async def apply(self, arrivals: Sequence[Arrival], *, catching_up: bool = False) -> bool:
        """Applies `arrivals` in order, waiting for the database however long; whether none needed a look of its own.

        `catching_up`: some waited already when their partition was assigned, so one of them may have killed a process.
        """
        fresh = list({(one.topic, one.key, one.sequence, one.event_id): one for one in arrivals}.values())
        all_at_once, alone = (self._marked_batch, self._alone) if catching_up else (self._as_batch, self._one)
        left = await self._persist(partial(self._unseen, fresh)) if catching_up else fresh
        done = not left or await self._persist(partial(all_at_once, left))
        if not done and not catching_up:
            left = await self._persist(partial(self._unseen, fresh))
            done = not left or (len(left) < len(fresh) and await self._persist(partial(all_at_once, left)))
        for arrival in () if done else left:
            await self._persist(partial(alone, arrival))
            self.steps += 1
        return done

    async def _unseen(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """What is still to be tried; what was applied before, as nearly all of a replay was, is dropped at once."""
        async with self.database.system_transaction() as connection:
            raw = await driver(connection)
            seen = await seen_of(raw, self._dispatch.inbox, arrivals)
            await self._attempts.forget(raw, seen)
        for arrival in seen:
            self._dispatch.count(arrival, "seen")
        self.steps += len(seen)
        dropped = {id(arrival) for arrival in seen}
        return [arrival for arrival in arrivals if id(arrival) not in dropped]

    async def _marked_batch(self, arrivals: Sequence[Arrival]) -> bool:
        async with self._attempts.together(arrivals) as unsuspected:
            return unsuspected and await self._as_batch(arrivals)

    async def _alone(self, arrival: Arrival) -> None:
        async with self._attempts.alone():
            await self._one(arrival)

    async def _persist(self, attempt: Callable[[], Awaitable[V]]) -> V:
        result = await steadily(attempt, self._wait)
        self.trouble = None
        return result

    def _wait(self, error: Exception, _: float) -> None:
        self.trouble = Health.degraded(f"waits for the database: {type(error).__name__}")
        log.warning("consumer-waits", consumer=self._dispatch.consumer.name, error=type(error).__name__)

    async def _as_batch(self, arrivals: Sequence[Arrival]) -> bool:
        """All in one transaction; False, with nothing done, when one of them needs a look of its own."""
        spans = spans_of(arrivals)
        if spans is None:
            return False
        effects = Effects()
        try:
            async with self.database.transaction(scope_of(arrivals)) as connection:
                done = await self._take(connection, arrivals, spans) and await self._all(connection, arrivals, effects)
                if not done:
                    await connection.rollback()
                    return False
                await effects.write(connection, self._dispatch.runner.outbox)
                crash_point("consumer.written")
                await self._attempts.end(await driver(connection), arrivals)
        except Exception as error:
            if is_passing(error) and not is_statement_timeout(error):
                raise
            return False  # the failing event raises again when it is applied alone, and is parked then
        self._attempts.ended(arrivals)
        crash_point("consumer.committed")
        self._dispatch.settled(arrivals, Ok(None), effects)
        return True

    async def _take(self, connection: AsyncConnection, arrivals: Sequence[Arrival], spans: Sequence[Span]) -> bool:
        """Moves the inbox over the whole batch."""
        raw = await driver(connection)
        inbox = self._dispatch.inbox
        ids = [arrival.event_id for arrival in arrivals if not arrival.aggregate]
        taken = (not spans or await inbox.advance_many(raw, spans)) and (not ids or await inbox.record_many(raw, ids))
        crash_point("consumer.inbox")
        keys = {(arrival.topic, arrival.key) for arrival in arrivals}
        return taken and not await self._dispatch.letters.any_parked(raw, list(keys))

    async def _all(self, connection: AsyncConnection, arrivals: Sequence[Arrival], effects: Effects) -> bool:
        for arrival in arrivals:
            if not isinstance(await self._dispatch.handle(connection, arrival, effects), Ok):
                return False
            self.steps += 1
        return True

    async def _one(self, arrival: Arrival) -> None:
        """One event in a transaction of its own; parked where it cannot be applied now."""
        if arrival.poison is not None:
            await self._park(arrival, arrival.poison, reason="poison")
            return
        try:
            await self._attempt(arrival)
        except KillsItsProcess as error:
            # A command is refused at once by the retrier, which sees by the row that it must not be tried.
            retry_in = _AT_ONCE if self._dispatch.deadline(arrival) else None
            await self._park(arrival, str(error), retry_in, reason="kills-its-process")
        except Exception as error:
            if not await is_its_own(error, self.database):
                raise
            name = self._dispatch.consumer.name
            log.exception("handler-failed", consumer=name, kind=arrival.kind, event_id=arrival.event_id)
            await self._park(arrival, f"{type(error).__name__}: {error}", after_exception(1), failures=1)

    async def _attempt(self, arrival: Arrival) -> None:
        while (place := await self._try(arrival)) is Place.UNCLEAR:
            pass
        if place is Place.GAP:
            await self._park(arrival, place.value, after_not_yet(timedelta(0)))

    async def _try(self, arrival: Arrival) -> Place:
        """Applies the event if it is next; parks it behind others of its key."""
        effects = Effects()
        async with self.database.transaction(scope_of([arrival])) as connection:
            raw = await driver(connection)
            place = await self._place(raw, arrival)
            if place is not Place.NEXT:
                await (self._leave(raw, arrival, place) if place in SETTLED else connection.rollback())
                return place
            crash_point("consumer.inbox")
            await self._attempts.begin(arrival)
            outcome = await self._dispatch.apply(connection, arrival, effects)
            crash_point("consumer.written")
            if isinstance(outcome, NotYet):
                await connection.rollback()
            else:
                await self._attempts.end(raw, [arrival])
        if isinstance(outcome, NotYet):
            await self._park(arrival, f"waits for {outcome.missing}", after_not_yet(timedelta(0)))
            return place
        self._attempts.ended([arrival])
        crash_point("consumer.committed")
        self._dispatch.settled([arrival], outcome, effects)
        return place

    async def _leave(self, raw: Any, arrival: Arrival, place: Place) -> None:
        """An event whose turn it is not: dropped when it was applied before, else parked behind others."""
        if place is Place.SEEN:
            await self._attempts.end(raw, [arrival])
            self._dispatch.count(arrival, "seen")
        else:
            await self._park_in(raw, arrival, place.value, None)

    async def _place(self, raw: Any, arrival: Arrival) -> Place:
        """Locks the key, tells where the event stands and, if it is next, moves the inbox.

        Who parked the key before the inbox moved, but after it was found not parked, is seen only afterwards.
        """
        inbox, key = self._dispatch.inbox, (arrival.topic, arrival.key)
        if await self._dispatch.letters.lock(raw, *key):
            return Place.BEHIND
        if arrival.sequence is None:
            if not await inbox.record(raw, arrival.event_id):
                return Place.SEEN
        elif not await inbox.advance(raw, *key, arrival.sequence):
            return Place.SEEN if await self._is_seen(raw, arrival) else Place.GAP
        return Place.UNCLEAR if await self._dispatch.letters.any_parked(raw, [key]) else Place.NEXT

    async def _is_seen(self, raw: Any, arrival: Arrival) -> bool:
        """Whether the event was applied before. If not, nobody else applies it until the transaction ends."""
        inbox = self._dispatch.inbox
        if arrival.sequence is not None:
            return arrival.sequence <= await inbox.position(raw, arrival.topic, arrival.key)
        return arrival.envelope is not None and await inbox.record_seen(raw, arrival.event_id)

    async def _park(
        self, arrival: Arrival, error: str, retry_in: timedelta | None = None, *, failures: int = 0, reason: str = ""
    ) -> None:
        """Parks an event in a transaction of its own; its offset may then move on. `reason`: why a person is needed."""
        crash_point("park.begun")
        async with self.database.system_transaction() as connection:
            raw = await driver(connection)
            first = await self._park_in(raw, arrival, error, retry_in, failures=failures)
            if retry_in is not _AT_ONCE:
                await self._attempts.end(raw, [arrival])
        crash_point("park.committed")
        if first and retry_in is None:
            log_parked(self._dispatch.consumer.name, arrival, reason)

    async def _park_in(
        self, raw: Any, arrival: Arrival, error: str, retry_in: timedelta | None, *, failures: int = 0
    ) -> bool:
        """Parks an event and its key, unless it was applied before or meanwhile. Whether it is the first of its key."""
        letters, key = self._dispatch.letters, (arrival.topic, arrival.key)
        behind = await letters.lock(raw, *key)
        await letters.open_key(raw, *key)
        seen = await self._is_seen(raw, arrival)
        if not seen:
            turn = None if behind else retry_in
            deadline = self._dispatch.deadline(arrival)
            new = await letters.add(raw, arrival, error, attempts=failures, retry_in=turn, deadline=deadline)
            # One that lies there already changes nothing: it may wait for a person, or have killed the process there.
            if new and behind:
                await self._attempts.end(raw, [arrival])
                if await self._is_next(raw, arrival):
                    await letters.wake_head(raw, *key)
        await letters.close_key(raw, *key)
        self._dispatch.count(arrival, "seen" if seen else "parked")
        self._parked.set()
        return not (seen or behind)

    async def _is_next(self, raw: Any, arrival: Arrival) -> bool:
        position = await self._dispatch.inbox.position(raw, arrival.topic, arrival.key)
        return arrival.sequence == position + 1
