"""Topics as a stranger sees them: puts records there, well formed or not, and reads all that is there."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from chassis.core import Actor, new_id
from chassis.kafka.connection import Kafka
from contracts.envelope import Envelope
from contracts.event import Event


@dataclass(frozen=True)
class Message:
    """A record before it is sent. Tests spoil copies of it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]

    @classmethod
    def of(cls, event: Event, *, key: str, org_id: UUID, sequence: int | None = None) -> "Message":
        contract = event.contract
        envelope = Envelope(
            id=new_id(),
            kind=contract.kind,
            version=contract.version,
            source="/stoa/testing",
            subject=key,
            time=datetime.now(UTC),
            org_id=org_id,
            actor=str(Actor.user(new_id())),
            audience=contract.audience(event),
            sequence=sequence,
            correlation_id=new_id(),
            causation_id=None,
            traceparent=None,
        )
        return cls(contract.topic.name, key.encode(), event.encode(), list(envelope.to_headers()))

    def without(self, header: str) -> "Message":
        return replace(self, headers=[pair for pair in self.headers if pair[0] != header])

    def with_header(self, header: str, value: bytes | None) -> "Message":
        return replace(self.without(header), headers=[*self.without(header).headers, (header, value)])

    def with_value(self, value: bytes | None) -> "Message":
        return replace(self, value=value)

    @property
    def id(self) -> str:
        return (dict(self.headers)["ce_id"] or b"").decode()


class Topics:
    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._producer: AIOKafkaProducer | None = None

    async def close(self) -> None:
        if self._producer is not None:
            await self._producer.stop()

    async def send(self, *messages: Message) -> list[tuple[int, int]]:
        """Sends all, in order; answers their partitions and offsets."""
        if self._producer is None:
            self._producer = self._kafka.producer()
            await self._producer.start()
        acks = [
            await self._producer.send(self._kafka.topic(one.topic), one.value, one.key, headers=one.headers)
            for one in messages
        ]
        return [(sent.partition, sent.offset) for sent in [await ack for ack in acks]]

    async def read(self, topic: str) -> list[Any]:
        """All records of a topic, per partition in order."""
        consumer = self._kafka.tail(topic, auto_offset_reset="earliest")
        await consumer.start()
        try:
            partitions = consumer.assignment()
            ends = await consumer.end_offsets(partitions)
            records: list[Any] = []
            while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
                for found in (await consumer.getmany(timeout_ms=200)).values():
                    records += found
        finally:
            await consumer.stop()
        return records

    async def lag(self, consumer: str, topic: str) -> int:
        """How far a consumer's committed offsets are behind the end of a topic; where it has none, all of it."""
        admin, tail = self._kafka.admin(), self._kafka.tail(topic)
        await admin.start()
        await tail.start()
        try:
            ends = await tail.end_offsets(tail.assignment())
            done = await admin.list_consumer_group_offsets(self._kafka.namespace + consumer)
        finally:
            await tail.stop()
            await admin.close()
        return sum(end - max(_offset(done, partition), 0) for partition, end in ends.items())


def _offset(done: dict[TopicPartition, OffsetAndMetadata], partition: TopicPartition) -> int:
    return done[partition].offset if partition in done else 0
