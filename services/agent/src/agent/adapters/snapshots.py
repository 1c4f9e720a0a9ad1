"""The snapshots of agent: what others keep of it. Nobody keeps runs."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from agent.adapters import tables
from chassis.snapshots.source import SnapshotSource, Standing
from contracts.agent.topics import AGENTS
from contracts.agent.v1 import AgentState


def sources() -> Sequence[SnapshotSource]:
    return [SnapshotSource(AGENTS, _agents)]


async def _agents(connection: AsyncConnection) -> AsyncIterator[Standing]:
    async for row in await connection.stream(select(tables.agents)):
        state = AgentState(
            agent_id=row.id, organisation_id=row.org_id, name=row.name, version=row.version, status=row.status
        )
        yield Standing(row.id, row.sequence, row.org_id, state)
