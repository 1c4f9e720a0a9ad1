"""Applies what a consumer fetched: as one batch where all goes well, else event by event."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from enum import Enum, auto
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.core import Err, NotYet, Ok, Outcome
from chassis.crash_points import crash_point
from chassis.database import driver, is_passing
from chassis.health import Health
from chassis.inbox import Span
from chassis.kafka.arrival import Arrival
from chassis.kafka.dispatch import Dispatch, scope_of
from chassis.outbox.store import Outgoing

log = structlog.get_logger("consumer")

FIRST_RETRY = timedelta(milliseconds=200)
_LONGEST_PAUSE_S = 5.0

Tx = TypeVar("Tx")


class _Place(Enum):
    """Where an event stands in the order of its key."""

    NEXT = auto()
    SEEN = auto()
    BEHIND = auto()
    GAP = auto()
    MOVED = auto()


class Applier(Generic[Tx]):
    """`apply` returns when every event is applied, refused, dropped as seen, or parked; never with one undone."""

    def __init__(self, dispatch: Dispatch[Tx]) -> None:
        self._dispatch = dispatch
        self._database = dispatch.runner.database
        self.parked = asyncio.Event()
        self.trouble: Health | None = None

    async def apply(self, arrivals: Sequence[Arrival]) -> None:
        """Applies `arrivals` in their order. While the database is away it waits, however long."""
        fresh = list({arrival.event_id: arrival for arrival in reversed(arrivals)}.values())[::-1]
        if not await self._persist(lambda: self._as_batch(fresh)):
            for arrival in fresh:
                await self._persist(lambda arrival=arrival: self._one(arrival))
        self._dispatch.runner.outbox.wake()

    async def _persist(self, attempt: Any) -> Any:
        """Repeats `attempt` in place while the infrastructure fails, with pauses that grow to 5 s."""
        pause = 0.05
        while True:
            try:
                result = await attempt()
            except Exception as error:
                if not is_passing(error):
                    raise
                self.trouble = Health.degraded(f"waits for the database: {type(error).__name__}")
                log.warning("consumer-waits", consumer=self._dispatch.consumer.name, error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)
            else:
                self.trouble = None
                return result

    async def _as_batch(self, arrivals: Sequence[Arrival]) -> bool:
        """All in one transaction; False, with nothing done, when one of them needs a look of its own."""
        spans = spans_of(arrivals)
        if spans is None:
            return False
        outgoing: list[Outgoing] = []
        try:
            async with self._database.transaction(scope_of(arrivals)) as connection:
                done = await self._take(connection, arrivals, spans) and await self._all(connection, arrivals, outgoing)
                if not done:
                    await connection.rollback()
                    return False
                crash_point("consumer.written")
                await self._dispatch.runner.outbox.append(connection, outgoing)
        except Exception as error:
            if is_passing(error):
                raise
            return False  # the failing event raises again when it is applied alone, and is parked then
        crash_point("consumer.committed")
        for arrival in arrivals:
            self._dispatch.count(arrival, "applied" if self._dispatch.consumer.find(arrival.event) else "skipped")
        return True

    async def _take(self, connection: AsyncConnection, arrivals: Sequence[Arrival], spans: Sequence[Span]) -> bool:
        """Moves the inbox over the whole batch."""
        raw = await driver(connection)
        inbox = self._dispatch.inbox
        records = [arrival for arrival in arrivals if not arrival.aggregate and arrival.envelope is not None]
        ids = [arrival.envelope.id for arrival in records if arrival.envelope is not None]
        keys = [(arrival.topic, arrival.key) for arrival in records]
        taken = (not spans or await inbox.advance_many(raw, spans)) and (
            not ids or await inbox.record_many(raw, ids, keys)
        )
        crash_point("consumer.inbox")
        return taken

    async def _all(self, connection: AsyncConnection, arrivals: Sequence[Arrival], outgoing: list[Outgoing]) -> bool:
        for arrival in arrivals:
            if not isinstance(await self._dispatch.handle(connection, arrival, outgoing), Ok):
                return False
        return True

    async def _one(self, arrival: Arrival) -> None:
        """One event in a transaction of its own."""
        if arrival.poison is not None:
            await self._park(arrival, arrival.poison, None)
            return
        try:
            outcome = await self._attempt(arrival)
        except Exception as error:
            if is_passing(error):
                raise
            log.exception(
                "handler-failed", consumer=self._dispatch.consumer.name, kind=arrival.kind, event_id=arrival.event_id
            )
            await self._park(arrival, f"{type(error).__name__}: {error}", FIRST_RETRY)
            return
        if isinstance(outcome, NotYet):
            await self._park(arrival, f"waits for {outcome.missing}", FIRST_RETRY)

    async def _attempt(self, arrival: Arrival) -> Outcome:
        async with self._database.transaction(scope_of([arrival])) as connection:
            raw = await driver(connection)
            match await self._place(raw, arrival):
                case _Place.SEEN:
                    self._dispatch.count(arrival, "seen")
                    return Ok(None)
                case _Place.BEHIND:
                    return NotYet("the parked event before it")
                case _Place.GAP:
                    return NotYet(f"the event before sequence {arrival.sequence}")
                case _Place.MOVED:
                    await connection.rollback()
                    return await self._attempt(arrival)
            outgoing: list[Outgoing] = []
            savepoint = await connection.begin_nested()
            outcome = await self._dispatch.handle(connection, arrival, outgoing)
            if isinstance(outcome, NotYet):
                await connection.rollback()
                return outcome
            await (savepoint.rollback() if isinstance(outcome, Err) else savepoint.commit())
            await self._dispatch.settle(connection, arrival, outcome, outgoing)
            return outcome

    async def _place(self, raw: Any, arrival: Arrival) -> _Place:
        """Locks the key, tells where the event stands and, if it is next, moves the inbox. Seen goes before parked."""
        inbox, key = self._dispatch.inbox, (arrival.topic, arrival.key)
        parked = await self._dispatch.letters.is_parked(raw, *key)
        if arrival.sequence is None:
            assert arrival.envelope is not None
            if await inbox.record_seen(raw, arrival.envelope.id):
                return _Place.SEEN
            if parked:
                return _Place.BEHIND
            return _Place.NEXT if await inbox.record(raw, arrival.envelope.id) else _Place.SEEN
        position = await inbox.position(raw, *key, lock=True)
        if arrival.sequence <= position:
            return _Place.SEEN
        if parked:
            return _Place.BEHIND
        if arrival.sequence > position + 1:
            return _Place.GAP
        return _Place.NEXT if await inbox.advance(raw, *key, arrival.sequence) else _Place.MOVED

    async def _park(self, arrival: Arrival, error: str, retry_in: timedelta | None) -> None:
        """Parks an event, and its key; unless it was applied meanwhile. Its offset may then move on."""
        crash_point("park.begun")
        letters, key = self._dispatch.letters, (arrival.topic, arrival.key)
        subscription = self._dispatch.consumer.find(arrival.event)
        deadline = subscription.deadline(arrival.event) if subscription and subscription.deadline else None
        async with self._database.system_transaction() as connection:
            raw = await driver(connection)
            behind = await letters.is_parked(raw, *key)
            await letters.open_key(raw, *key)
            position = await self._dispatch.inbox.position(raw, *key, lock=True)
            if arrival.sequence is None or arrival.sequence > position:
                await letters.park(raw, arrival, error, retry_in=None if behind else retry_in, deadline=deadline)
            if behind and arrival.sequence == position + 1:
                await letters.wake_head(raw, *key)
            await letters.close_key(raw, *key)
        crash_point("park.committed")
        self._dispatch.count(arrival, "parked")
        self.parked.set()


def spans_of(arrivals: Sequence[Arrival]) -> list[Span] | None:
    """Per aggregate the first and last sequence of a batch; None when there is poison, a gap or a repeat in it."""
    spans: dict[tuple[str, str], Span] = {}
    for arrival in arrivals:
        if arrival.poison is not None:
            return None
        if arrival.sequence is None:
            continue
        key = (arrival.topic, arrival.key)
        first = spans[key].first if key in spans else arrival.sequence
        if key in spans and arrival.sequence != spans[key].last + 1:
            return None
        spans[key] = Span(*key, first, arrival.sequence)
    return list(spans.values())
