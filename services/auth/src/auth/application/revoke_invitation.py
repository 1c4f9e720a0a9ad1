"""Takes an invitation back."""

from dataclasses import dataclass
from uuid import UUID

from auth.application.ports import Transaction
from auth.domain.errors import InvitationNotFound, MayNotInvite
from auth.domain.invitation import InvitationStatus
from chassis.core import Clock, Err, Ok, Result, StaleRevision
from contracts.permissions import Permission


@dataclass(frozen=True)
class RevokeInvitation:
    invitation_id: UUID
    revision: int


@dataclass(frozen=True)
class RevokeInvitationHandler:
    """Refused: InvitationNotFound, MayNotInvite, StaleRevision."""

    clock: Clock

    async def __call__(self, tx: Transaction, command: RevokeInvitation) -> Result[None]:
        invitation = await tx.invitations.get(command.invitation_id)
        now = self.clock.now()
        if invitation is None or invitation.status(now) is not InvitationStatus.OPEN:
            return Err(InvitationNotFound(command.invitation_id))
        if not tx.context.may(Permission.INVITATIONS_DELETE):
            return Err(MayNotInvite())
        if invitation.revision != command.revision:
            return Err(StaleRevision(invitation.revision))
        invitation.revoked_at = now
        await tx.invitations.save(invitation)
        return Ok(None)
