"""The invitation: whoever has that address and the token may join, once and for a week."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from auth.domain.errors import InvitationInvalid
from auth.domain.membership import MemberRole
from chassis.core import Err, Ok, Result, new_id

LIFETIME = timedelta(days=7)


class InvitationStatus(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(kw_only=True)
class Invitation:
    """It never changes while it is open, so its revision is 1. Nothing of it is published."""

    id: UUID
    org_id: UUID
    email: str
    role: MemberRole
    invited_by: UUID
    invited_at: datetime
    expires_at: datetime
    accepted_by: UUID | None = None
    revoked_at: datetime | None = None

    revision: ClassVar[int] = 1

    @classmethod
    def make(cls, *, org_id: UUID, email: str, role: MemberRole, invited_by: UUID, now: datetime) -> "Invitation":
        return cls(
            id=new_id(),
            org_id=org_id,
            email=email,
            role=role,
            invited_by=invited_by,
            invited_at=now,
            expires_at=now + LIFETIME,
        )

    def status(self, now: datetime) -> InvitationStatus:
        if self.accepted_by is not None:
            return InvitationStatus.ACCEPTED
        if self.revoked_at is not None:
            return InvitationStatus.REVOKED
        return InvitationStatus.EXPIRED if now >= self.expires_at else InvitationStatus.OPEN

    def could_be_of(self, email: str, now: datetime) -> bool:
        """Whether who has that address may name it: to accept it, or again after having done so."""
        return email == self.email and self.status(now) in (InvitationStatus.OPEN, InvitationStatus.ACCEPTED)

    def accept(self, user_id: UUID, email: str, *, now: datetime) -> Result[None]:
        """Refused: InvitationInvalid."""
        if email != self.email or self.status(now) is not InvitationStatus.OPEN:
            return Err(InvitationInvalid())
        self.accepted_by = user_id
        return Ok(None)
