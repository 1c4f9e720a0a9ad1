"""Calls the function that a consumer declares for an event, inside a transaction that somebody else holds."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.core import Actor, Err, Failure, Ok, Outcome
from chassis.dead_letters import DeadLetters
from chassis.effects import Effects
from chassis.inbox import Inbox
from chassis.kafka.arrival import Arrival
from chassis.kafka.attempts import Attempts
from chassis.kafka.consumer import Consumer
from chassis.outbox.store import EventTooLarge
from chassis.telemetry import span_from
from chassis.use_case import Context, Runner, Work
from contracts.envelope import Envelope

log = structlog.get_logger("consumer")

HANDLER_LIMIT_S = 20.0
"""A handler that runs longer hangs: it is stopped and counts as failed."""

EVENTS = Counter("stoa_consumer_events_total", "Events by what became of them", ["consumer", "kind", "outcome"])

Tx = TypeVar("Tx")


class HandlerHangs(Exception):
    """A handler ran past its limit."""


@dataclass(frozen=True)
class Dispatch(Generic[Tx]):
    """A consumer with all that it works on. Stateless: any number of tasks may have it.

    `alone` is held by whichever task of the process tries an event that may kill it.
    """

    consumer: Consumer[Tx]
    runner: Runner[Tx]
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)
    inbox: Inbox = field(init=False)
    letters: DeadLetters = field(init=False)

    def __post_init__(self) -> None:
        topics = {topic.name: topic for topic in self.consumer.topics}
        object.__setattr__(self, "inbox", Inbox(self.consumer.name))
        object.__setattr__(self, "letters", DeadLetters(self.consumer.name, topics))

    def attempts(self) -> Attempts:
        """The attempts of one task that applies events of this consumer."""
        return Attempts(self.consumer.name, self.runner.database, self.alone)

    async def handle(self, connection: AsyncConnection, arrival: Arrival, effects: Effects) -> Outcome:
        """Calls the handler of one event; what it leaves to be written is added to `effects`.

        A kind that nobody here reads is passed over. Raises HandlerHangs, and whatever the handler raises.
        """
        subscription = self.consumer.find(arrival.event)
        if subscription is None or arrival.envelope is None:
            return Ok(None)
        work = Work(connection, _context(arrival.envelope), effects)
        with span_from(arrival.envelope.traceparent, f"{self.consumer.name} {arrival.kind}"):
            try:
                async with asyncio.timeout(HANDLER_LIMIT_S) as limit:
                    outcome = await subscription.handle(self.runner.bind(work), arrival.event)
            except EventTooLarge as error:
                outcome = Err(error.failure)
            except TimeoutError:
                if limit.expired():
                    raise HandlerHangs(f"ran longer than {HANDLER_LIMIT_S} s") from None
                raise
            self._log("event-handled", arrival, outcome=type(outcome).__name__)
        return outcome

    async def apply(self, connection: AsyncConnection, arrival: Arrival, effects: Effects) -> Outcome:
        """One event whose turn it is: writes its effect, or its refusal. Of a `NotYet` nothing is left."""
        async with connection.begin_nested() as handling:
            outcome = await self.handle(connection, arrival, effects)
            if isinstance(outcome, Ok):
                await effects.write(connection, self.runner.outbox)
            else:
                await handling.rollback()
                effects.clear()
        if isinstance(outcome, Err):
            await self.refuse(connection, arrival, outcome.failure, effects)
        return outcome

    async def refuse(self, connection: AsyncConnection, arrival: Arrival, failure: Failure, effects: Effects) -> None:
        """Writes a refusal down, in the transaction that settles the event."""
        self._log("event-refused", arrival, slug=failure.slug)
        subscription = self.consumer.find(arrival.event)
        if subscription is None or subscription.refuse is None or arrival.envelope is None:
            return
        work = Work(connection, _context(arrival.envelope), effects)
        await subscription.refuse(self.runner.bind(work), arrival.event, failure)
        await effects.write(connection, self.runner.outbox)

    def settled(self, arrivals: Sequence[Arrival], outcome: Outcome, effects: Effects) -> None:
        """After the commit: counts what was applied or refused, and says that something waits to be sent."""
        for arrival in arrivals:
            applied = "applied" if self.consumer.find(arrival.event) else "skipped"
            self.count(arrival, "refused" if isinstance(outcome, Err) else applied)
        if effects.outgoing:
            self.runner.outbox.wake()

    def count(self, arrival: Arrival, outcome: str) -> None:
        EVENTS.labels(self.consumer.name, arrival.label, outcome).inc()

    def deadline(self, arrival: Arrival) -> datetime | None:
        """When a parked command is refused; None for an event, which waits for a person."""
        subscription = self.consumer.find(arrival.event)
        return subscription.deadline(arrival.event) if subscription and subscription.deadline else None

    def _log(self, event: str, arrival: Arrival, **more: str) -> None:
        log.info(event, consumer=self.consumer.name, kind=arrival.kind, event_id=arrival.event_id, **more)


def scope_of(arrivals: Collection[Arrival]) -> set[UUID]:
    """The organisations that a transaction over these events may see."""
    found = (arrival.envelope.org_id for arrival in arrivals if arrival.envelope is not None)
    return {org_id for org_id in found if org_id is not None}


def _context(envelope: Envelope) -> Context:
    return Context(
        actor=Actor.parse(envelope.actor),
        org_id=envelope.org_id,
        role=None,
        correlation_id=envelope.correlation_id,
        causation_id=envelope.id,
    )
