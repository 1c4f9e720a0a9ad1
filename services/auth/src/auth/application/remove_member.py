"""Removes a member, or lets one leave."""

from dataclasses import dataclass
from uuid import UUID

from auth.application.ports import Transaction
from auth.domain.errors import MayNotChangeMembers, MemberNotFound
from auth.domain.events import AccessRevoked
from chassis.core import Clock, Err, Ok, Result, StaleRevision
from contracts.permissions import Permission


@dataclass(frozen=True)
class RemoveMember:
    user_id: UUID
    revision: int


@dataclass(frozen=True)
class RemoveMemberHandler:
    """Everybody may leave; only admins remove others.

    Refused: MemberNotFound, MayNotChangeMembers, StaleRevision, LastAdmin.
    """

    clock: Clock

    async def __call__(self, tx: Transaction, command: RemoveMember) -> Result[None]:
        await tx.organisations.lock()
        # First, since sessions are locked before memberships everywhere; a refusal below undoes it.
        await tx.sessions.end_all_of(command.user_id, self.clock.now())
        membership = await tx.members.get(command.user_id)
        if membership is None or not membership.active:
            return Err(MemberNotFound(command.user_id))
        if command.user_id != tx.context.user_id and not tx.context.may(Permission.MEMBERSHIPS_DELETE):
            return Err(MayNotChangeMembers())
        if membership.revision != command.revision:
            return Err(StaleRevision(membership.revision))
        revoked = membership.revoke(has_other_admin=await tx.members.has_other_admin(command.user_id))
        if isinstance(revoked, Err):
            return revoked
        await tx.members.save(membership)
        now, user_id = self.clock.now(), membership.user_id
        tx.announce(AccessRevoked(now, "membership-revoked", subject=user_id, organisation=membership.org_id))
        return Ok(None)
