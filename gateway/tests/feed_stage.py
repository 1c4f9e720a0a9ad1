"""The live feed as tests drive it: events go in by Kafka, and come out by server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete

from chassis.core import Actor, new_id
from chassis.http.tokens import Caller
from chassis.kafka.connection import Kafka
from chassis.testing.tokens import TestKeys
from contracts.auth.v1 import AccessRevoked, OrganisationCreated, OrganisationState
from contracts.chats.v1 import Author, MessageSent
from contracts.envelope import Envelope
from contracts.event import Event
from contracts.gateway.topics import FEED
from gateway.feed.positions import Position

Headers = list[tuple[str, bytes]]


def an_organisation(org_id: UUID, name: str = "Acme") -> OrganisationCreated:
    """Something that all members of an organisation may see."""
    return OrganisationCreated(
        organisation_id=org_id, name=name, state=OrganisationState(organisation_id=org_id, name=name)
    )


def a_message(chat_id: UUID, *participants: UUID, text: str = "hello", number: int = 1) -> MessageSent:
    """Something that only some may see."""
    return MessageSent(
        chat_id=chat_id,
        message_id=new_id(),
        number=number,
        author=Author(kind="user", user_id=participants[0], agent_id=None),
        text=text,
        run_id=None,
        participants=participants,
        agent_id=None,
    )


@dataclass(frozen=True)
class Publisher:
    """Puts events onto their topics, as the services' relays do."""

    kafka: Kafka
    producer: AIOKafkaProducer

    @classmethod
    @asynccontextmanager
    async def to(cls, kafka: Kafka) -> AsyncIterator["Publisher"]:
        producer = kafka.producer()
        await producer.start()
        yield cls(kafka, producer)
        await producer.stop()

    async def publish(
        self,
        event: Event,
        *,
        org_id: UUID | None,
        key: UUID | None = None,
        sequence: int = 1,
        event_id: UUID | None = None,
    ) -> UUID:
        subject = key or new_id()
        envelope = an_envelope(event, org_id, subject, sequence, event_id)
        await self.raw(event.contract.topic.name, event.encode(), str(subject).encode(), envelope.to_headers())
        return envelope.id

    async def raw(self, topic: str, value: bytes | None, key: bytes | None, headers: Headers) -> None:
        await self.producer.send_and_wait(self.kafka.topic(topic), value, key, headers=headers)

    async def delete_feed_before(self, position: Position) -> None:
        """As the broker does when the retention is over."""
        partition = TopicPartition(self.kafka.topic(FEED.name), position.partition)
        admin = self.kafka.admin()
        await admin.start()
        await admin.delete_records({partition: RecordsToDelete(before_offset=position.offset)})
        await admin.close()

    async def revoke(self, caller: Caller) -> None:
        event = AccessRevoked(subject=caller.user_id, not_before=datetime.now(UTC), reason="blocked")
        await self.publish(event, org_id=None, key=caller.user_id)


def an_envelope(
    event: Event, org_id: UUID | None, subject: UUID, sequence: int = 1, event_id: UUID | None = None
) -> Envelope:
    return Envelope(
        id=event_id or new_id(),
        kind=event.contract.kind,
        version=event.contract.version,
        source=f"/stoa/{event.contract.kind.partition('.')[0]}",
        subject=str(subject),
        time=datetime.now(UTC),
        org_id=org_id,
        actor=str(Actor.system("test")),
        audience=event.contract.audience(event),
        sequence=sequence,
        correlation_id=new_id(),
        causation_id=None,
        traceparent=None,
    )


@dataclass(frozen=True)
class Frame:
    """One block of the stream. `kind` is None for comments."""

    id: str | None
    kind: str | None
    data: Any
    text: str


class Listening:
    """An open stream: what has come, in order."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_id: str | None = None
        self.seen: set[str] = set()
        """Ids of the events that `events` has given, or that the client had before."""
        self._lines = response.aiter_lines()

    async def frame(self, within: float = 10) -> Frame | None:
        """The next block; None when the stream has ended."""
        lines: list[str] = []
        async with asyncio.timeout(within):
            async for line in self._lines:
                if not line and lines:
                    return self._parsed(lines)
                lines.append(line)
        return None

    def _parsed(self, lines: list[str]) -> Frame:
        fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
        self.last_id = fields.get("id", self.last_id)
        data = json.loads(fields["data"]) if "data" in fields else None
        return Frame(fields.get("id"), fields.get("event"), data, "\n".join(lines))

    async def event(self, within: float = 10) -> Frame:
        """The next event, comments passed over. Fails when the stream ends."""
        while (found := await self.frame(within)) is not None:
            if found.kind is not None:
                return found
        raise AssertionError("the stream has ended")

    async def events(self, count: int) -> list[Frame]:
        """The next events that the client has not seen yet: the feed may repeat one, under its id."""
        found: list[Frame] = []
        while len(found) < count:
            event = await self.event()
            if event.data["id"] not in self.seen:
                self.seen.add(event.data["id"])
                found.append(event)
        return found

    async def ended(self, within: float) -> None:
        """Waits for the end of the stream; fails when it goes on."""
        async with asyncio.timeout(within):
            while await self.frame(within) is not None:
                pass


@asynccontextmanager
async def listening(
    http: httpx.AsyncClient, keys: TestKeys, caller: Caller, *, since: str | None = None, types: str | None = None
) -> AsyncIterator[Listening]:
    """Listens as that caller; the first frame, which says from where, has been read."""
    headers = keys.headers(caller) | ({"Last-Event-ID": since} if since else {})
    params = {"types": types} if types else {}
    async with http.stream("GET", "/api/v1/events", headers=headers, params=params, timeout=30) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"] == "text/event-stream"
        stream = Listening(response)
        yield stream
