"""The membership: in which role a user belongs to an organisation."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from auth.domain.errors import LastAdmin
from auth.domain.events import MembershipChanged, MembershipGranted, MembershipRevoked
from chassis.core import Aggregate, Err, Ok, Result, membership_id


class MemberRole(StrEnum):
    """What a member is, the lowest first."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    def below(self, other: "MemberRole") -> bool:
        order = list(MemberRole)
        return order.index(self) < order.index(other)


@dataclass(kw_only=True)
class Membership(Aggregate):
    """Its id follows from organisation and user. It is revoked, never deleted; granted again, it goes on counting."""

    org_id: UUID
    user_id: UUID
    role: MemberRole
    granted_at: datetime
    active: bool = True

    @classmethod
    def grant(cls, org_id: UUID, user_id: UUID, role: MemberRole, *, now: datetime) -> "Membership":
        """The first membership of this user in this organisation."""
        id_ = membership_id(org_id, user_id)
        membership = cls(id=id_, org_id=org_id, user_id=user_id, role=role, granted_at=now)
        membership.record(MembershipGranted())
        return membership

    def grant_again(self, role: MemberRole, *, now: datetime) -> None:
        """A former member comes back."""
        self.active, self.role, self.granted_at = True, role, now
        self.record(MembershipGranted())

    def change_role(self, role: MemberRole, *, has_other_admin: bool) -> Result[bool]:
        """Answers whether rights were lost. The same role changes nothing. Refused: LastAdmin."""
        before = self.role
        if role is before:
            return Ok(False)
        if before is MemberRole.ADMIN and not has_other_admin:
            return Err(LastAdmin())
        self.role = role
        self.record(MembershipChanged(before.value))
        return Ok(role.below(before))

    def revoke(self, *, has_other_admin: bool) -> Result[None]:
        """Refused: LastAdmin."""
        if self.role is MemberRole.ADMIN and not has_other_admin:
            return Err(LastAdmin())
        self.active = False
        self.record(MembershipRevoked())
        return Ok(None)
