"""The sample service as the owner of things, and as a reader that keeps a copy of each."""

from collections.abc import AsyncIterator

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.core import NotYet, Ok, Outcome
from chassis.kafka.consumer import Consumer, on, projection
from chassis.snapshots.source import SnapshotSource, Standing

from .events import THINGS, ThingMade, ThingRenamed, ThingState
from .service import SampleTransaction

PUT = """
INSERT INTO copies (id, org_id, name) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET name = excluded.name
"""


def source() -> SnapshotSource:
    """All things. One whose name is empty was deleted."""
    return SnapshotSource(THINGS, _read)


async def _read(connection: AsyncConnection) -> AsyncIterator[Standing]:
    async for row in await connection.stream(text("SELECT * FROM things ORDER BY id")):
        state = ThingState(thing_id=row.id, organisation_id=row.org_id, name=row.name) if row.name else None
        yield Standing(row.id, row.sequence, row.org_id, state)


def copying(name: str = "sample.copies") -> Consumer[SampleTransaction]:
    """A consumer whose whole result is the table `copies`. A thing called "later" is never its turn."""
    return Consumer(
        name,
        [on(ThingMade, _hear), on(ThingRenamed, _hear)],
        projects=projection(THINGS, ThingState, _project, table="copies"),
    )


async def _hear(tx: SampleTransaction, event: ThingMade | ThingRenamed) -> Outcome:
    if event.name == "later":
        return NotYet("a better day")
    state = ThingState(thing_id=event.thing_id, organisation_id=tx.context.organisation, name=event.name)
    return await _project(tx, state)


async def _project(tx: SampleTransaction, state: ThingState) -> Outcome:
    if state.name == "impossible":
        raise ValueError("no copy can be made of that")
    tx.work.put(PUT, state.thing_id, state.organisation_id, state.name)
    return Ok(None)
