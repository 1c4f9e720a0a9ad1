"""The outbox: what must leave is stored in the transaction that made it true."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.core import Actor, new_id
from chassis.core.errors import Passing
from chassis.database import driver
from chassis.outbox.failures import MAX_VALUE_BYTES, OutboxFull, TooLarge
from chassis.telemetry import current_traceparent
from contracts.envelope import Envelope
from contracts.event import Event

# Headers are stored as a JSON array of [name, value]: the envelope makes text only.
_APPEND = """
INSERT INTO outbox (topic, key, sequence, headers, value)
SELECT topic, key, sequence, headers::jsonb, value
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bytea[])
    WITH ORDINALITY AS row (topic, key, sequence, headers, value, position)
ORDER BY position
"""


class EventTooLarge(Exception):
    """An event is over the limit of its topic. Whoever runs the command answers with `failure`."""

    def __init__(self, failure: TooLarge) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class OutboxIsFull(Passing):
    """There is no room until the relay has sent some."""

    def __init__(self) -> None:
        super().__init__(OutboxFull())


class Origin(Protocol):
    """Who acts, and what caused it: a command's context."""

    @property
    def actor(self) -> Actor: ...
    @property
    def correlation_id(self) -> UUID: ...
    @property
    def causation_id(self) -> UUID | None: ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way into the outbox."""

    topic: str
    key: str
    sequence: int | None
    headers: list[tuple[str, bytes]]
    value: bytes

    @classmethod
    def of(
        cls,
        event: Event,
        origin: Origin,
        *,
        key: str,
        sequence: int | None,
        org_id: UUID | None,
        most_bytes: int = MAX_VALUE_BYTES,
    ) -> "Outgoing":
        """Encodes `event` with a new id. Raises EventTooLarge."""
        contract, value = event.contract, event.encode()
        if len(value) > most_bytes:
            raise EventTooLarge(TooLarge(contract.kind, len(value)))
        envelope = _envelope(event, origin, key=key, sequence=sequence, org_id=org_id)
        return cls(contract.topic.name, key, sequence, envelope.to_headers(), value)


def _envelope(event: Event, origin: Origin, *, key: str, sequence: int | None, org_id: UUID | None) -> Envelope:
    contract = event.contract
    return Envelope(
        id=new_id(),
        kind=contract.kind,
        version=contract.version,
        source=f"/stoa/{contract.kind.partition('.')[0]}",
        subject=key,
        time=datetime.now(UTC),
        org_id=org_id,
        actor=str(origin.actor),
        audience=contract.audience(event),
        sequence=sequence,
        correlation_id=origin.correlation_id,
        causation_id=origin.causation_id,
        traceparent=current_traceparent(),
    )


class OutboxStore:
    """Appends messages in the caller's transaction, and says afterwards that there is something to send.

    `waiting` is set for the relay of this process, `unheard` for its notifier where the relay is another process's.
    `full` is kept by what measures the outbox (`chassis.outbox.backlog`).
    """

    def __init__(self) -> None:
        self.waiting = asyncio.Event()
        self.unheard = asyncio.Event()
        self.sent_here = False
        self.full = False

    async def append(self, connection: AsyncConnection, messages: Sequence[Outgoing]) -> None:
        """Stores `messages` in their order, in one statement of the transaction that `connection` is in.

        Raises OutboxIsFull while too much waits to be sent.
        """
        if not messages:
            return
        if self.full:
            raise OutboxIsFull
        raw = await driver(connection)
        await raw.execute(
            _APPEND,
            [message.topic for message in messages],
            [message.key for message in messages],
            [message.sequence for message in messages],
            [_headers_text(message.headers) for message in messages],
            [message.value for message in messages],
        )

    def wake(self) -> None:
        """Says, after the commit, that something waits."""
        self.waiting.set()
        if not self.sent_here:
            self.unheard.set()


def _headers_text(headers: list[tuple[str, bytes]]) -> str:
    return orjson.dumps([[name, value.decode()] for name, value in headers]).decode()
