"""Gives a member another role."""

from dataclasses import dataclass
from uuid import UUID

from auth.application.ports import Transaction
from auth.application.views import GetMember, MemberView, get_member
from auth.domain.errors import MayNotChangeMembers, MemberNotFound
from auth.domain.events import AccessRevoked
from auth.domain.membership import MemberRole
from chassis.core import Clock, Err, Result, StaleRevision
from contracts.permissions import Permission


@dataclass(frozen=True)
class ChangeRole:
    user_id: UUID
    role: MemberRole
    revision: int


@dataclass(frozen=True)
class ChangeRoleHandler:
    """A lower role voids the access tokens that the member holds: they name the higher one.

    Refused: MemberNotFound, MayNotChangeMembers, StaleRevision, LastAdmin.
    """

    clock: Clock

    async def __call__(self, tx: Transaction, command: ChangeRole) -> Result[MemberView]:
        await tx.organisations.lock()
        membership = await tx.members.get(command.user_id)
        if membership is None or not membership.active:
            return Err(MemberNotFound(command.user_id))
        if not tx.context.may(Permission.MEMBERSHIPS_WRITE):
            return Err(MayNotChangeMembers())
        if membership.revision != command.revision:
            return Err(StaleRevision(membership.revision))
        has_other_admin = await tx.members.has_other_admin(command.user_id)
        lowered = membership.change_role(command.role, has_other_admin=has_other_admin)
        if isinstance(lowered, Err):
            return lowered
        await tx.members.save(membership)
        if lowered.value:
            now, user_id = self.clock.now(), membership.user_id
            tx.announce(AccessRevoked(now, "role-lowered", subject=user_id, organisation=membership.org_id))
        return await get_member(tx, GetMember(command.user_id))
