"""Reads: past the domain, straight to what clients are shown."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from auth.domain.errors import MayNotInvite, MemberNotFound, NoMembership
from auth.domain.invitation import Invitation, InvitationStatus
from auth.domain.membership import MemberRole
from chassis.core import Clock, Err, Ok, Result
from chassis.paging import Listed, Page
from contracts.permissions import Permission, Role

if TYPE_CHECKING:
    from auth.application.ports import Transaction


@dataclass(frozen=True)
class OrganisationView:
    id: UUID
    name: str
    created_at: datetime
    revision: int


@dataclass(frozen=True)
class MeView:
    """Somebody as they see themselves: `role` is the present one."""

    user_id: UUID
    email: str
    name: str
    role: Role
    organisation_id: UUID
    organisation_name: str


@dataclass(frozen=True)
class SuperAdminView:
    """An operator of the platform; `granted_by` is `cli:<login>`."""

    email: str
    granted_at: datetime
    granted_by: str


@dataclass(frozen=True)
class MemberView:
    user_id: UUID
    email: str
    name: str
    role: MemberRole
    granted_at: datetime
    revision: int


@dataclass(frozen=True)
class InvitationView:
    id: UUID
    email: str
    role: MemberRole
    status: InvitationStatus
    invited_by: UUID
    invited_at: datetime
    expires_at: datetime
    revision: int

    @classmethod
    def of(cls, invitation: Invitation, now: datetime) -> "InvitationView":
        return cls(
            invitation.id,
            invitation.email,
            invitation.role,
            invitation.status(now),
            invitation.invited_by,
            invitation.invited_at,
            invitation.expires_at,
            invitation.revision,
        )


@dataclass(frozen=True)
class GetMe:
    pass


@dataclass(frozen=True)
class GetOrganisation:
    pass


@dataclass(frozen=True)
class GetMember:
    user_id: UUID


@dataclass(frozen=True)
class ListMembers:
    page: Page


@dataclass(frozen=True)
class ListInvitations:
    page: Page


async def get_me(tx: "Transaction", _: GetMe) -> Result[MeView]:
    """Refused: NoMembership."""
    me = await tx.views.me(tx.context.user_id)
    return Ok(me) if me is not None else Err(NoMembership())


async def get_organisation(tx: "Transaction", _: GetOrganisation) -> Result[OrganisationView]:
    """Refused: NoMembership."""
    organisation = await tx.views.organisation()
    return Ok(organisation) if organisation is not None else Err(NoMembership())


async def get_member(tx: "Transaction", query: GetMember) -> Result[MemberView]:
    """Refused: MemberNotFound."""
    member = await tx.views.member(query.user_id)
    return Ok(member) if member is not None else Err(MemberNotFound(query.user_id))


async def list_members(tx: "Transaction", query: ListMembers) -> Result[Listed[MemberView]]:
    """All active members, to every one of them."""
    return Ok(await tx.views.members(query.page))


@dataclass(frozen=True)
class ListInvitationsHandler:
    """Refused: MayNotInvite."""

    clock: Clock

    async def __call__(self, tx: "Transaction", query: ListInvitations) -> Result[Listed[InvitationView]]:
        if not tx.context.may(Permission.INVITATIONS_READ):
            return Err(MayNotInvite())
        found = await tx.views.invitations(query.page)
        now = self.clock.now()
        return Ok(Listed([InvitationView.of(invitation, now) for invitation in found.items], found.end))
