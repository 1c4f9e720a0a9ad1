"""Tries parked events again by itself, in order per key, and lets the rest of a key follow once its head is settled."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.core import Err, Failure, Kind, NotYet, Outcome
from chassis.crash_points import crash_point
from chassis.database import Database, driver, is_passing, scope_to
from chassis.dead_letters import DeadLetter, due_keys
from chassis.effects import Effects
from chassis.health import Health
from chassis.kafka.arrival import Arrival
from chassis.kafka.attempts import Attempts, KillsItsProcess
from chassis.kafka.dispatch import Dispatch, scope_of
from chassis.kafka.failing import after_exception, after_not_yet, is_its_own, log_parked
from chassis.kafka.resting import Resting

log = structlog.get_logger("retrier")

_IDLE_S = 2.0
_MOST_OF_A_KEY = 100

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


class _Again(Exception):
    """The event stays parked, and nothing that was done for it stays. `retry_in` None: for a person, for `reason`."""

    def __init__(self, error: str, retry_in: timedelta | None, reason: str) -> None:
        super().__init__(error)
        self.retry_in = retry_in
        self.reason = reason


class Retrier(Generic[Tx]):
    """The retries of all consumers of a process. Any number of processes may run one: a key is locked while one works.

    `parked` wakes it; without that it looks every two seconds, for what other processes parked.
    """

    name = "retrier"

    def __init__(
        self, dispatches: Sequence[Dispatch[Tx]], database: Database, parked: asyncio.Event, resting: Resting
    ) -> None:
        self._dispatches = {dispatch.consumer.name: (dispatch, dispatch.attempts()) for dispatch in dispatches}
        self._database = database
        self._parked = parked
        self._resting = resting
        self._health = Health.unhealthy("not started")

    def health(self) -> Health:
        return self._health

    async def run(self) -> None:
        while True:
            try:
                pause = await self._round()
                await self._resting.look(self._database)
                self._health = Health.healthy("every parked event that can be tried was")
            except Exception as error:
                if not is_passing(error):
                    raise
                self._health = Health.degraded(f"waits for the database: {type(error).__name__}")
                pause = _IDLE_S
            await self._sleep(pause)

    async def _sleep(self, pause: float) -> None:
        try:
            # Not wait_for: in Python 3.11 it swallows a cancellation that comes together with the event.
            async with asyncio.timeout(pause):
                await self._parked.wait()
        except TimeoutError:
            return
        self._parked.clear()

    async def _round(self) -> float:
        """Tries all that is due; answers how many seconds to wait for the next."""
        async with self._database.system_transaction() as connection:
            keys = await due_keys(await driver(connection), list(self._dispatches))
        for due in dict.fromkeys((found.consumer, found.topic, found.key) for found in keys if found.seconds <= 0):
            await self._drain(*due)
        later = [found.seconds for found in keys if found.seconds > 0]
        return min([_IDLE_S, *later]) if len(later) == len(keys) else 0.01

    async def _drain(self, consumer: str, topic: str, key: str) -> None:
        """Settles what can be settled of one key, so many at most that other keys get their turn."""
        dispatch, attempts = self._dispatches[consumer]
        head = _Head(dispatch, attempts, topic, key)
        for _ in range(_MOST_OF_A_KEY):
            async with attempts.alone():
                if not await head.try_once():
                    return


@dataclass(frozen=True, slots=True)
class _Head(Generic[Tx]):
    """The first event of a parked key."""

    dispatch: Dispatch[Tx]
    attempts: Attempts
    topic: str
    key: str

    async def try_once(self) -> bool:
        """One transaction that settles the event. False when there is no more to do now."""
        database, letters = self.dispatch.runner.database, self.dispatch.letters
        effects = Effects()
        letter: DeadLetter | None = None
        try:
            async with database.system_transaction() as connection:
                raw = await driver(connection)
                letter = await self._take(raw)
                if letter is None:
                    return False
                outcome = await self._settle(connection, raw, letter, effects)
                await letters.settle(raw, letter)
                await self.attempts.end(raw, [letter.arrival])
                crash_point("redrive.applied")
        except Exception as error:
            if letter is None or not (isinstance(error, _Again) or await is_its_own(error, database)):
                raise
            await self._postpone(letter, error)
            return False
        self.attempts.ended([letter.arrival])
        if outcome is not None:
            self.dispatch.settled([letter.arrival], outcome, effects)
        return True

    async def _take(self, raw: Any) -> DeadLetter | None:
        """Locks the key and reads its first event; None when another process works on it, or it is not time."""
        letters, key = self.dispatch.letters, (self.topic, self.key)
        if not await letters.try_lock(raw, *key):
            return None
        letter = await letters.head(raw, *key)
        if letter is None:
            await letters.close_key(raw, *key)
        return letter if letter is not None and letter.due else None

    async def _settle(
        self, connection: AsyncConnection, raw: Any, letter: DeadLetter, effects: Effects
    ) -> Outcome | None:
        """What became of the event; None when it was applied before. Raises _Again, and what the handler raises."""
        arrival = letter.arrival
        if arrival.poison is not None:
            raise _Again(arrival.poison, None, "poison")
        await scope_to(connection, scope_of([arrival]))
        if not await self._advance(raw, letter):
            return None
        refusal = TooLate("its deadline passed") if letter.late else await self._begin(arrival)
        if refusal is None:
            outcome = await self.dispatch.apply(connection, arrival, effects)
            if not isinstance(outcome, NotYet):
                return outcome
            refusal = self._refusal(letter, f"waits for {outcome.missing}")
        await self.dispatch.refuse(connection, arrival, refusal, effects)
        return Err(refusal)

    async def _begin(self, arrival: Arrival) -> TooLate | None:
        """Counts the try; for a command that kills its process, the refusal. Raises _Again for such an event."""
        try:
            await self.attempts.begin(arrival)
        except KillsItsProcess as error:
            if self.dispatch.deadline(arrival) is None:
                raise _Again(str(error), None, "kills-its-process") from None
            return TooLate(str(error))
        return None

    async def _advance(self, raw: Any, letter: DeadLetter) -> bool:
        """Moves the inbox; False when it is past the event. Raises _Again at a gap."""
        inbox, arrival = self.dispatch.inbox, letter.arrival
        if arrival.sequence is None:
            return await inbox.record(raw, arrival.event_id)
        position = await inbox.position(raw, arrival.topic, arrival.key)
        if arrival.sequence > position + 1:
            retry_in = None if letter.given_up else after_not_yet(letter.waited)
            raise _Again(f"waits for the event after sequence {position}", retry_in, "gap")
        return await inbox.advance(raw, arrival.topic, arrival.key, arrival.sequence)

    def _refusal(self, letter: DeadLetter, waits: str) -> TooLate:
        """For a command that waited for long enough. Raises _Again before that, and for an event."""
        if not letter.given_up:
            raise _Again(waits, after_not_yet(letter.waited), "not-yet")
        if self.dispatch.deadline(letter.arrival) is None:
            raise _Again(waits, None, "not-yet")
        return TooLate(waits)

    async def _postpone(self, letter: DeadLetter, error: Exception) -> None:
        """Notes why the event stays parked, and when it is tried again."""
        if isinstance(error, _Again):
            failed, retry_in, text, reason = False, error.retry_in, str(error), error.reason
        else:
            failed, retry_in, reason = True, after_exception(letter.attempts + 1), "exception"
            text = f"{type(error).__name__}: {error}"
            log.error("handler-failed", consumer=self.dispatch.consumer.name, kind=letter.arrival.kind, exc_info=error)
        async with self.dispatch.runner.database.system_transaction() as connection:
            raw = await driver(connection)
            await self.dispatch.letters.lock(raw, self.topic, self.key)
            await self.dispatch.letters.postpone(raw, letter, text, retry_in=retry_in, failed=failed)
            await self.attempts.end(raw, [letter.arrival])
        self.attempts.ended([letter.arrival])
        if retry_in is None and self.dispatch.deadline(letter.arrival) is None:
            log_parked(self.dispatch.consumer.name, letter.arrival, reason)
