"""The chassis' projection of who belongs to which organisation, in which role: for commands that come over Kafka.

Requests over HTTP trust their token, less the revocations; a command carries no token, so the rights of its user are
looked up here at the moment when it is done.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.core import Ok, Outcome
from chassis.kafka.consumer import Consumer, on, projection
from chassis.use_case import HasWork
from contracts.auth.topics import MEMBERSHIPS
from contracts.auth.v1 import MembershipChanged, MembershipGranted, MembershipRevoked, MembershipState
from contracts.permissions import Role

_STORE = """
INSERT INTO memberships (id, org_id, user_id, role, active) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET role = excluded.role, active = excluded.active
"""
_FIND = text("SELECT role, active FROM memberships WHERE org_id = :org_id AND user_id = :user_id")


async def role_of(connection: AsyncConnection, org_id: UUID, user_id: UUID) -> Role | None:
    """The present role of a user in an organisation; None for a member who was removed.

    Raises LookupError when nothing is known of the membership here (yet).
    """
    row = (await connection.execute(_FIND, {"org_id": org_id, "user_id": user_id})).first()
    if row is None:
        raise LookupError(f"membership of {user_id} in {org_id}")
    return Role(row.role) if row.active else None


def memberships_consumer(service: str) -> Consumer[HasWork]:
    """The consumer that keeps the projection, `<service>.memberships`."""
    return Consumer(
        f"{service}.memberships",
        [on(MembershipGranted, _hear), on(MembershipChanged, _hear), on(MembershipRevoked, _hear)],
        projects=projection(MEMBERSHIPS, MembershipState, _project, table="memberships"),
    )


async def _hear(tx: HasWork, event: MembershipGranted | MembershipChanged | MembershipRevoked) -> Outcome:
    return await _project(tx, event.state)


async def _project(tx: HasWork, state: MembershipState) -> Outcome:
    is_active = state.status == "active"
    tx.work.put(_STORE, state.membership_id, state.organisation_id, state.user_id, state.role, is_active)
    return Ok(None)
