"""The snapshots of auth: what others keep of it. Users are left out: their names and addresses stay on `auth-users`."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.adapters import tables
from auth.adapters.publishing import membership_state, organisation_state
from auth.domain.membership import MemberRole, Membership
from chassis.snapshots.source import SnapshotSource, Standing
from contracts.auth.topics import MEMBERSHIPS, ORGANISATIONS


def sources() -> Sequence[SnapshotSource]:
    return [SnapshotSource(MEMBERSHIPS, _memberships), SnapshotSource(ORGANISATIONS, _organisations)]


async def _memberships(connection: AsyncConnection) -> AsyncIterator[Standing]:
    async for row in (await connection.stream(select(tables.members))).mappings():
        membership = Membership(**{**row, "role": MemberRole(row["role"])})
        yield Standing(membership.id, membership.sequence, membership.org_id, membership_state(membership))


async def _organisations(connection: AsyncConnection) -> AsyncIterator[Standing]:
    async for row in await connection.stream(select(tables.organisations)):
        yield Standing(row.org_id, row.sequence, row.org_id, organisation_state(row.org_id, row.name))
