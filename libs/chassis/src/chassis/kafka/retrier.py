"""Tries parked events again by itself, in order per key, and lets the rest of a key follow once its head is settled."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.core import Err, Failure, Kind, NotYet, Ok, Outcome
from chassis.crash_points import crash_point
from chassis.database import driver, is_passing, scope_to
from chassis.dead_letters import DeadLetter
from chassis.health import Health
from chassis.kafka.dispatch import Dispatch, scope_of
from chassis.outbox.store import Outgoing

log = structlog.get_logger("retrier")

_AFTER_BUG = (timedelta(seconds=1), timedelta(seconds=5))
_AFTER_NOT_YET = timedelta(milliseconds=250)
_IDLE_S = 1.0

Tx = TypeVar("Tx")


@dataclass(frozen=True)
class TooLate(Failure):
    """A command was not done before its deadline."""

    reason: str
    slug: ClassVar[str] = "too-late"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The command could not be done in time"

    @property
    def detail(self) -> str:
        return f"The command could not be done in time: {self.reason}."


@dataclass(frozen=True, slots=True)
class _Again:
    """The event stays parked. `retry_in` None: for a person."""

    error: str
    retry_in: timedelta | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """The event was applied before."""


class Retrier(Generic[Tx]):
    """The retries of one consumer. Any number of processes may run it: a key is locked while one works on it."""

    def __init__(self, dispatch: Dispatch[Tx], parked: asyncio.Event) -> None:
        self.name = f"{dispatch.consumer.name}.retrier"
        self._dispatch = dispatch
        self._letters = dispatch.letters
        self._database = dispatch.runner.database
        self._parked = parked
        self._health = Health.unhealthy("not started")

    def health(self) -> Health:
        return self._health

    async def run(self) -> None:
        while True:
            try:
                pause = await self._round()
                self._health = Health.healthy("every parked event that can be tried was")
            except Exception as error:
                if not is_passing(error):
                    raise
                self._health = Health.degraded(f"waits for the database: {type(error).__name__}")
                pause = _IDLE_S
            await self._sleep(pause)

    async def _sleep(self, pause: float) -> None:
        try:
            await asyncio.wait_for(self._parked.wait(), pause)
        except TimeoutError:
            return
        self._parked.clear()

    async def _round(self) -> float:
        """Tries all that is due; answers how many seconds to wait."""
        async with self._database.system_transaction() as connection:
            due = await self._letters.due(await driver(connection))
        for topic, key in due:
            while await self.try_head(topic, key):
                pass
        if due:
            return 0.05
        async with self._database.system_transaction() as connection:
            seconds = await self._letters.seconds_to_next(await driver(connection))
        return _IDLE_S if seconds is None else min(max(seconds, 0.01), _IDLE_S)

    async def try_head(self, topic: str, key: str) -> bool:
        """One transaction: settles the head of a parked key or postpones it. False when there is no more to do now."""
        async with self._database.system_transaction() as connection:
            raw = await driver(connection)
            if not await self._letters.try_lock(raw, topic, key):
                return False
            letter = await self._letters.head(raw, topic, key)
            if letter is None:
                await self._letters.close_key(raw, topic, key)
                return False
            if not (letter.due or letter.late):
                return False
            settled = await self._try(connection, raw, letter)
            crash_point("redrive.applied")
        self._dispatch.runner.outbox.wake()
        return settled

    async def _try(self, connection: AsyncConnection, raw: Any, letter: DeadLetter) -> bool:
        savepoint = await connection.begin_nested()
        outgoing: list[Outgoing] = []
        verdict = await self._verdict(connection, raw, letter, outgoing)
        if isinstance(verdict, _Again):
            await savepoint.rollback()
            await self._letters.postpone(raw, letter, verdict.error, verdict.retry_in)
            return False
        await savepoint.commit()
        if not isinstance(verdict, _Seen):
            await self._dispatch.settle(connection, letter.arrival, verdict, outgoing)
        await self._letters.settle(raw, letter)
        return True

    async def _verdict(
        self, connection: AsyncConnection, raw: Any, letter: DeadLetter, outgoing: list[Outgoing]
    ) -> Outcome | _Again | _Seen:
        """What becomes of the head: an outcome to settle, another try, or nothing, for it was applied before."""
        if letter.arrival.poison is not None:
            return _Again(letter.arrival.poison, None)
        await scope_to(connection, scope_of([letter.arrival]))
        place = await self._advance(raw, letter)
        if place is not None:
            return place
        if letter.late:
            return Err(TooLate("its deadline passed"))
        try:
            outcome = await self._handle(connection, letter, outgoing)
        except Exception as error:
            if is_passing(error):
                raise
            log.exception("handler-failed", consumer=self._dispatch.consumer.name, kind=letter.arrival.kind)
            delay = _AFTER_BUG[letter.attempts] if letter.attempts < len(_AFTER_BUG) else None
            return _Again(f"{type(error).__name__}: {error}", delay)
        return self._not_yet(letter, outcome) if isinstance(outcome, NotYet) else outcome

    async def _handle(self, connection: AsyncConnection, letter: DeadLetter, outgoing: list[Outgoing]) -> Outcome:
        async with connection.begin_nested() as handling:
            outcome = await self._dispatch.handle(connection, letter.arrival, outgoing)
            if not isinstance(outcome, Ok):
                await handling.rollback()
        return outcome

    async def _advance(self, raw: Any, letter: DeadLetter) -> _Again | _Seen | None:
        """Moves the inbox; None when the event is next."""
        inbox, arrival = self._dispatch.inbox, letter.arrival
        if arrival.sequence is None:
            assert arrival.envelope is not None
            return None if await inbox.record(raw, arrival.envelope.id) else _Seen()
        position = await inbox.position(raw, arrival.topic, arrival.key, lock=True)
        if arrival.sequence <= position:
            return _Seen()
        if arrival.sequence > position + 1:
            waits = f"waits for the event before sequence {arrival.sequence}"
            return _Again(waits, None if letter.given_up else _AFTER_NOT_YET)
        await inbox.advance(raw, arrival.topic, arrival.key, arrival.sequence)
        return None

    def _not_yet(self, letter: DeadLetter, outcome: NotYet) -> Outcome | _Again:
        """An event that waited for long enough stays for a person; a command is refused."""
        waits = f"waits for {outcome.missing}"
        if not letter.given_up:
            return _Again(waits, _AFTER_NOT_YET)
        subscription = self._dispatch.consumer.find(letter.arrival.event)
        is_command = subscription is not None and subscription.deadline is not None
        return Err(TooLate(waits)) if is_command else _Again(waits, None)
