"""What happens in auth."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.core import DomainEvent


@dataclass(frozen=True)
class UserRegistered(DomainEvent):
    """Somebody has signed up."""


@dataclass(frozen=True)
class OrganisationCreated(DomainEvent):
    """There is a new organisation."""


@dataclass(frozen=True)
class MembershipGranted(DomainEvent):
    """A user has become a member, for the first time or again."""


@dataclass(frozen=True)
class MembershipChanged(DomainEvent):
    """A member has another role. `previous_role` is the value of the one before."""

    previous_role: str


@dataclass(frozen=True)
class MembershipRevoked(DomainEvent):
    """A member has left or was removed."""


@dataclass(frozen=True)
class SignInSucceeded(DomainEvent):
    """A session was opened. This and the following belong to no aggregate: they are records."""

    user_id: UUID
    session_id: UUID


@dataclass(frozen=True)
class SignInFailed(DomainEvent):
    """`reason`: unknown-address, wrong-password or not-active. `user_id` None: nobody has that address."""

    user_id: UUID | None
    reason: str


@dataclass(frozen=True)
class AccessRevoked(DomainEvent):
    """Access tokens issued before `not_before` that match all given ids are void. `reason` is a slug."""

    not_before: datetime
    reason: str
    subject: UUID | None = None
    session: UUID | None = None
    organisation: UUID | None = None
