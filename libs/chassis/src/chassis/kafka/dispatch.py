"""Calls the function that a consumer declares for an event, inside a transaction that somebody else holds."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.core import Actor, Err, Failure, Ok, Outcome
from chassis.dead_letters import DeadLetters
from chassis.inbox import Inbox
from chassis.kafka.arrival import Arrival
from chassis.kafka.consumer import Consumer
from chassis.outbox.store import Outgoing
from chassis.telemetry import span_from
from chassis.use_case import Context, Runner, Work

log = structlog.get_logger("consumer")

HANDLER_LIMIT_S = 20.0
"""A handler that runs longer hangs: it is stopped and counts as failed."""

EVENTS = Counter("stoa_consumer_events_total", "Events by what became of them", ["consumer", "kind", "outcome"])

Tx = TypeVar("Tx")


class HandlerHangs(Exception):
    """A handler ran past its limit."""


@dataclass(frozen=True)
class Dispatch(Generic[Tx]):
    """A consumer with all that it works on. Stateless: any number of tasks may share it."""

    consumer: Consumer[Tx]
    runner: Runner[Tx]
    inbox: Inbox = field(init=False)
    letters: DeadLetters = field(init=False)

    def __post_init__(self) -> None:
        topics = {topic.name: topic for topic in self.consumer.topics}
        object.__setattr__(self, "inbox", Inbox(self.consumer.name))
        object.__setattr__(self, "letters", DeadLetters(self.consumer.name, topics))

    async def handle(self, connection: AsyncConnection, arrival: Arrival, outgoing: list[Outgoing]) -> Outcome:
        """Applies one event; what it publishes is added to `outgoing`. A kind that nobody here reads is passed over.

        Raises HandlerHangs, and whatever the handler raises.
        """
        subscription = self.consumer.find(arrival.event)
        if subscription is None or arrival.envelope is None:
            return Ok(None)
        work = Work(connection, _context(arrival), outgoing)
        limit = asyncio.timeout(HANDLER_LIMIT_S)
        with span_from(arrival.envelope.traceparent, f"{self.consumer.name} {arrival.kind}"):
            try:
                async with limit:
                    outcome = await subscription.handle(self.runner.bind(work), arrival.event)
            except TimeoutError:
                if limit.expired():
                    raise HandlerHangs(f"ran longer than {HANDLER_LIMIT_S} s") from None
                raise
            log.info(
                "event-handled",
                consumer=self.consumer.name,
                kind=arrival.kind,
                event_id=arrival.event_id,
                outcome=type(outcome).__name__,
            )
        return outcome

    async def refuse(self, connection: AsyncConnection, arrival: Arrival, failure: Failure) -> None:
        """Writes a refusal down, in the transaction that settles the event."""
        self.count(arrival, "refused")
        log.info(
            "event-refused",
            consumer=self.consumer.name,
            kind=arrival.kind,
            event_id=arrival.event_id,
            slug=failure.slug,
        )
        subscription = self.consumer.find(arrival.event)
        if subscription is None or subscription.refuse is None:
            return
        work = Work(connection, _context(arrival))
        await subscription.refuse(self.runner.bind(work), arrival.event, failure)
        await self.runner.outbox.append(connection, work.outgoing)

    async def settle(
        self, connection: AsyncConnection, arrival: Arrival, outcome: Outcome, outgoing: list[Outgoing]
    ) -> None:
        """Stores what an `Ok` publishes, or the refusal of an `Err`."""
        if isinstance(outcome, Err):
            await self.refuse(connection, arrival, outcome.failure)
            return
        await self.runner.outbox.append(connection, outgoing)
        self.count(arrival, "applied" if self.consumer.find(arrival.event) else "skipped")

    def count(self, arrival: Arrival, outcome: str) -> None:
        EVENTS.labels(self.consumer.name, arrival.kind, outcome).inc()


def scope_of(arrivals: Collection[Arrival]) -> set[UUID]:
    """The organisations that a transaction over these events may see."""
    found = (arrival.envelope.org_id for arrival in arrivals if arrival.envelope is not None)
    return {org_id for org_id in found if org_id is not None}


def _context(arrival: Arrival) -> Context:
    envelope = arrival.envelope
    assert envelope is not None
    return Context(
        actor=Actor.parse(envelope.actor),
        org_id=envelope.org_id,
        role=None,
        correlation_id=envelope.correlation_id,
        causation_id=envelope.id,
    )
