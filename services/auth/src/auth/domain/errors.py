"""What auth refuses."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from chassis.core import Failure, Kind


@dataclass(frozen=True)
class SignInRefused(Failure):
    """Unknown address, wrong password, blocked user: one answer, so that nobody can tell which."""

    slug: ClassVar[str] = "sign-in-refused"
    kind: ClassVar[Kind] = Kind.UNAUTHENTICATED
    title: ClassVar[str] = "E-mail address and password do not match an account that may sign in"


@dataclass(frozen=True)
class NoMembership(Failure):
    slug: ClassVar[str] = "no-membership"
    kind: ClassVar[Kind] = Kind.FORBIDDEN
    title: ClassVar[str] = "You are no longer a member of the organisation; ask its admins for an invitation"


@dataclass(frozen=True)
class RefreshRefused(Failure):
    """Unknown, expired, revoked or used before: one answer."""

    slug: ClassVar[str] = "refresh-refused"
    kind: ClassVar[Kind] = Kind.UNAUTHENTICATED
    title: ClassVar[str] = "The refresh token is not valid any more; sign in again"


@dataclass(frozen=True)
class HashingBusy(Failure):
    slug: ClassVar[str] = "too-many-sign-ins"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    title: ClassVar[str] = "Too many people sign in at the moment; try again after the time in Retry-After"


@dataclass(frozen=True)
class NoSigningKey(Failure):
    slug: ClassVar[str] = "no-signing-key"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    title: ClassVar[str] = "Tokens cannot be signed at the moment; try again after the time in Retry-After"


@dataclass(frozen=True)
class PasswordTooShort(Failure):
    least: int
    slug: ClassVar[str] = "password-too-short"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "The password is too short"
    field: ClassVar[str] = "/password"

    @property
    def detail(self) -> str:
        return f"A password has at least {self.least} characters; of which sort is up to you."


@dataclass(frozen=True)
class PasswordTooLong(Failure):
    most: int
    slug: ClassVar[str] = "password-too-long"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "The password is too long"
    field: ClassVar[str] = "/password"

    @property
    def detail(self) -> str:
        return f"A password has at most {self.most} characters."


@dataclass(frozen=True)
class PasswordGuessable(Failure):
    """`reason` says which rule, and never repeats the password."""

    reason: str
    slug: ClassVar[str] = "password-guessable"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "The password is one of the first that an attacker would try"
    field: ClassVar[str] = "/password"

    @property
    def detail(self) -> str:
        return f"The password is easy to guess: {self.reason}."


@dataclass(frozen=True)
class InvitationInvalid(Failure):
    slug: ClassVar[str] = "invitation-invalid"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "The invitation is unknown, expired, revoked, used, or for another e-mail address"
    field: ClassVar[str] = "/invitation_token"


@dataclass(frozen=True)
class InvitationNotFound(Failure):
    invitation_id: UUID
    slug: ClassVar[str] = "invitation-not-found"
    kind: ClassVar[Kind] = Kind.NOT_FOUND
    title: ClassVar[str] = "There is no such open invitation"

    @property
    def detail(self) -> str:
        return f"There is no open invitation {self.invitation_id} in this organisation."


@dataclass(frozen=True)
class AlreadyAMember(Failure):
    slug: ClassVar[str] = "already-a-member"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "This address belongs to a member of the organisation already"


@dataclass(frozen=True)
class MemberNotFound(Failure):
    user_id: UUID
    slug: ClassVar[str] = "member-not-found"
    kind: ClassVar[Kind] = Kind.NOT_FOUND
    title: ClassVar[str] = "There is no such member"

    @property
    def detail(self) -> str:
        return f"{self.user_id} is no member of this organisation."


@dataclass(frozen=True)
class LastAdmin(Failure):
    slug: ClassVar[str] = "last-admin"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The last admin of an organisation cannot leave, be removed or get another role"


@dataclass(frozen=True)
class MayNotChangeMembers(Failure):
    slug: ClassVar[str] = "may-not-change-members"
    kind: ClassVar[Kind] = Kind.FORBIDDEN
    title: ClassVar[str] = "Only admins may change or remove other members"


@dataclass(frozen=True)
class MayNotInvite(Failure):
    slug: ClassVar[str] = "may-not-invite"
    kind: ClassVar[Kind] = Kind.FORBIDDEN
    title: ClassVar[str] = "Only admins may see, make and revoke invitations"


@dataclass(frozen=True)
class NobodyHasThatAddress(Failure):
    """Told at a shell only: over HTTP nobody learns who has an account."""

    slug: ClassVar[str] = "nobody-has-that-address"
    kind: ClassVar[Kind] = Kind.NOT_FOUND
    title: ClassVar[str] = "Nobody has signed up with that address"
