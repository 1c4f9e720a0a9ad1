"""How an invitation becomes a membership: a step of signing up and of signing in."""

from datetime import datetime
from uuid import UUID

from auth.application.ports import Transaction
from auth.domain.invitation import Invitation
from auth.domain.membership import Membership
from auth.domain.secrets import BearerSecret
from chassis.core import Err, Ok, Result


async def find_invitation(tx: Transaction, token: str) -> Invitation | None:
    """The invitation that the token is of, locked; the transaction then works in its organisation."""
    secret = BearerSecret.parse(token)
    if secret is None:
        return None
    await tx.enter(secret.org_id)
    return await tx.invitations.with_digest(secret.owner_id, secret.digest)


async def accept_invitation(
    tx: Transaction, invitation: Invitation, user_id: UUID, email: str, *, now: datetime
) -> Result[None]:
    """Grants the membership. A repeat by the same user changes nothing. Refused: InvitationInvalid."""
    if invitation.accepted_by == user_id:
        return Ok(None)
    accepted = invitation.accept(user_id, email, now=now)
    if isinstance(accepted, Err):
        return accepted
    await tx.invitations.save(invitation)
    membership = await tx.members.get(user_id)
    if membership is None:
        await tx.members.add(Membership.grant(invitation.org_id, user_id, invitation.role, now=now))
    elif not membership.active:
        membership.grant_again(invitation.role, now=now)
        await tx.members.save(membership)
    return Ok(None)
