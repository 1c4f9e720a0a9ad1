"""The snapshots of agent: what others keep of agents, and where runs stand for those who act on them."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from agent.adapters import tables
from chassis.snapshots.source import SnapshotSource, Standing
from contracts.agent.topics import AGENTS, RUNS
from contracts.agent.v1 import AgentState, RunState


def sources() -> Sequence[SnapshotSource]:
    return [SnapshotSource(AGENTS, _agents), SnapshotSource(RUNS, _runs)]


async def _agents(connection: AsyncConnection) -> AsyncIterator[Standing]:
    async for row in await connection.stream(select(tables.agents)):
        state = AgentState(
            agent_id=row.id, organisation_id=row.org_id, name=row.name, version=row.version, status=row.status
        )
        yield Standing(row.id, row.sequence, row.org_id, state)


async def _runs(connection: AsyncConnection) -> AsyncIterator[Standing]:
    async for row in await connection.stream(select(tables.runs)):
        state = RunState(
            run_id=row.id,
            organisation_id=row.org_id,
            chat_id=row.chat_id,
            user_id=row.user_id,
            agent_id=row.agent_id,
            status=row.status,
        )
        yield Standing(row.id, row.sequence, row.org_id, state)
