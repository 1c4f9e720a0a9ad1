"""Invites somebody into the organisation."""

from dataclasses import dataclass, field

from auth.application.ports import Transaction
from auth.application.views import InvitationView
from auth.domain.errors import AlreadyAMember, MayNotInvite
from auth.domain.invitation import Invitation
from auth.domain.membership import MemberRole
from auth.domain.secrets import BearerSecret
from chassis.core import Clock, Err, Ok, Result
from contracts.permissions import Permission


@dataclass(frozen=True)
class Invite:
    """`email` is in its normal form."""

    email: str
    role: MemberRole


@dataclass(frozen=True)
class Invited:
    """`token` is told here and never again."""

    invitation: InvitationView
    token: str = field(repr=False)


@dataclass(frozen=True)
class InviteHandler:
    """An address has one open invitation at most: a new one takes the place of the one before.

    Refused: MayNotInvite, AlreadyAMember.
    """

    clock: Clock

    async def __call__(self, tx: Transaction, command: Invite) -> Result[Invited]:
        if not tx.context.may(Permission.INVITATIONS_WRITE):
            return Err(MayNotInvite())
        await tx.organisations.lock()
        if await tx.views.has_member_with(command.email):
            return Err(AlreadyAMember())
        now, org_id = self.clock.now(), tx.context.organisation
        await tx.invitations.revoke_open(command.email, now)
        invitation = Invitation.make(
            org_id=org_id, email=command.email, role=command.role, invited_by=tx.context.user_id, now=now
        )
        secret = BearerSecret.new(org_id, invitation.id)
        await tx.invitations.add(invitation, secret.digest)
        return Ok(Invited(InvitationView.of(invitation, now), secret.text))
