"""The snapshots of modules: what others keep of it. A deleted module keeps its row, and its state says so."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.snapshots.source import SnapshotSource, Standing
from contracts.modules.topics import MODULES
from contracts.modules.v1 import ModuleState
from modules.adapters import tables


def sources() -> Sequence[SnapshotSource]:
    return [SnapshotSource(MODULES, _modules)]


async def _modules(connection: AsyncConnection) -> AsyncIterator[Standing]:
    """As stored: also those of a kind that this release does not know."""
    async for row in await connection.stream(select(tables.modules)):
        state = ModuleState(
            module_id=row.id,
            organisation_id=row.org_id,
            kind=row.kind,
            owner_id=row.owner_id,
            status=row.status,
            revision=row.revision,
            name=row.name,
            data=row.data,
            deleted=row.deleted,
        )
        yield Standing(row.id, row.sequence, row.org_id, state)
