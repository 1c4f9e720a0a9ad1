"""The owner's ear: requests for snapshots become rows, which the publisher works off."""

from collections.abc import Sequence

from sqlalchemy import text

from chassis.core import Ok, Outcome
from chassis.kafka.consumer import Consumer, on
from chassis.snapshots.source import SnapshotSource
from chassis.use_case import HasWork
from contracts.snapshots.v1 import SnapshotRequested

_NOTE = text("""
INSERT INTO snapshot_requests (id, topic, consumer) VALUES (:id, :topic, :consumer) ON CONFLICT DO NOTHING
""")


def requests_consumer(service: str, sources: Sequence[SnapshotSource]) -> Consumer[HasWork]:
    """The consumer `<service>.snapshots`. It passes over requests for what others own."""
    owned = {source.topic.name for source in sources}

    async def note(tx: HasWork, event: SnapshotRequested) -> Outcome:
        if event.topic in owned:
            row = {"id": event.request_id, "topic": event.topic, "consumer": event.consumer}
            await tx.work.connection.execute(_NOTE, row)
        return Ok(None)

    return Consumer(f"{service}.snapshots", [on(SnapshotRequested, note)])
