"""What the use cases of auth need from outside."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from auth.application.views import MemberView, MeView, OrganisationView, SuperAdminView
from auth.domain.invitation import Invitation
from auth.domain.membership import MemberRole, Membership
from auth.domain.organisation import Organisation
from auth.domain.session import Session, StoredToken
from auth.domain.user import Account, User
from chassis.core import DomainEvent, Result
from chassis.paging import Listed, Page
from chassis.use_case import Context
from contracts.permissions import Role

C = TypeVar("C")
V = TypeVar("V")


class Users(Protocol):
    """Users and their passwords, of the whole platform."""

    async def add(self, user: User, password_hash: str) -> bool:
        """False, with nothing written, when somebody has that address."""
        ...

    async def account(self, email: str) -> Account | None: ...

    async def is_active(self, user_id: UUID) -> bool: ...

    async def move_home(self, user_id: UUID, org_id: UUID) -> None:
        """From now on, signing in leads to that organisation."""
        ...

    async def renew_hash(self, user_id: UUID, password_hash: str) -> None:
        """The same password, hashed with newer parameters."""
        ...


class Organisations(Protocol):
    """The caller's organisation."""

    async def add(self, organisation: Organisation) -> None: ...

    async def lock(self) -> None:
        """One at a time: whoever changes or removes members holds this until the end of the transaction."""
        ...


class Members(Protocol):
    """Memberships of the caller's organisation, revoked ones included."""

    async def get(self, user_id: UUID) -> Membership | None:
        """The membership, locked until the transaction ends."""
        ...

    async def role_of(self, user_id: UUID) -> MemberRole | None:
        """The present role; None for who is no member. It cannot change before the transaction ends."""
        ...

    async def has_other_admin(self, user_id: UUID) -> bool: ...

    async def add(self, membership: Membership) -> None: ...

    async def save(self, membership: Membership) -> None: ...


class Invitations(Protocol):
    """Invitations of the caller's organisation."""

    async def get(self, invitation_id: UUID) -> Invitation | None:
        """The invitation, locked until the transaction ends."""
        ...

    async def with_digest(self, invitation_id: UUID, digest: bytes) -> Invitation | None:
        """The same, if that is the digest of its token."""
        ...

    async def add(self, invitation: Invitation, digest: bytes) -> None: ...

    async def save(self, invitation: Invitation) -> None: ...

    async def revoke_open(self, email: str, now: datetime) -> None:
        """Revokes what is open for that address."""
        ...


class Sessions(Protocol):
    """Sessions of the caller's organisation, with their refresh tokens."""

    async def add(self, session: Session) -> None: ...

    async def get(self, session_id: UUID) -> Session | None:
        """The session, locked until the transaction ends: its tokens are used one after the other."""
        ...

    async def end(self, session: Session) -> None: ...

    async def end_all_of(self, user_id: UUID, now: datetime) -> None: ...

    async def remove_dead(self, user_id: UUID, now: datetime) -> None:
        """Removes the user's sessions that have ended or expired, with their tokens."""
        ...

    async def token(self, session_id: UUID, digest: bytes) -> StoredToken | None: ...

    async def add_token(self, session: Session, digest: bytes) -> None: ...

    async def use_token(self, session_id: UUID, digest: bytes, sealed_successor: bytes, now: datetime) -> None:
        """Marks the token as used, and forgets the successors whose grace has passed."""
        ...


class SuperAdmins(Protocol):
    """Operators of the platform. A serving process may only ask who is one."""

    async def has(self, user_id: UUID) -> bool:
        """Whether somebody is one. It cannot change from yes to no before the transaction ends."""
        ...

    async def add(self, user_id: UUID, *, by: str, now: datetime) -> bool:
        """False, with nothing written, for who is one already."""
        ...

    async def remove(self, user_id: UUID) -> bool:
        """False for who is none."""
        ...

    async def all(self) -> Sequence[SuperAdminView]: ...


class Views(Protocol):
    """What clients are shown."""

    async def me(self, user_id: UUID) -> MeView | None: ...

    async def organisation(self) -> OrganisationView | None: ...

    async def member(self, user_id: UUID) -> MemberView | None:
        """Active members only, like in the list."""
        ...

    async def members(self, page: Page) -> Listed[MemberView]:
        """In order of their sign-up."""
        ...

    async def has_member_with(self, email: str) -> bool: ...

    async def invitations(self, page: Page) -> Listed[Invitation]:
        """The newest first."""
        ...


class Transaction(Protocol):
    """All of the above in one transaction, under the context of one command."""

    @property
    def context(self) -> Context: ...
    @property
    def users(self) -> Users: ...
    @property
    def organisations(self) -> Organisations: ...
    @property
    def members(self) -> Members: ...
    @property
    def invitations(self) -> Invitations: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def super_admins(self) -> SuperAdmins: ...
    @property
    def views(self) -> Views: ...

    async def enter(self, org_id: UUID) -> None:
        """For who comes without a token: the rest of the transaction works in that organisation."""
        ...

    def act_as(self, user_id: UUID) -> None:
        """For who comes without a token: the rest of the transaction is done by that user."""
        ...

    def announce(self, event: DomainEvent) -> None:
        """Publishes a record: something that happened to no aggregate."""
        ...


class Transactions(Protocol):
    """Runs a step of a use case in a transaction. For those that do slow work before and between: hashing."""

    async def run(
        self, context: Context, handler: Callable[[Transaction, C], Awaitable[Result[V]]], command: C
    ) -> Result[V]: ...


class Passwords(Protocol):
    """Hashes passwords. It takes its time on purpose, so it never runs on the event loop or inside a transaction."""

    async def hash(self, password: str) -> Result[str]:
        """Refused: HashingBusy."""
        ...

    async def verify(self, password: str, password_hash: str | None) -> "Result[Verdict]":
        """Takes as long for None (nobody has that address) as for a hash. Refused: HashingBusy."""
        ...


class Verdict(Protocol):
    """Whether the password is right, and its new hash where the present one has old parameters."""

    @property
    def right(self) -> bool: ...
    @property
    def renewed_hash(self) -> str | None: ...


class AccessTokens(Protocol):
    """Signs access tokens."""

    def sign(self, session: Session, role: Role, *, now: datetime) -> Result[str]:
        """A token that is good for 10 minutes. Refused: NoSigningKey."""
        ...


class Seal(Protocol):
    """Encrypts what must be read again, bound to a context that must be the same on opening."""

    def seal(self, plain: bytes, context: bytes) -> bytes: ...

    def open(self, sealed: bytes, context: bytes) -> bytes: ...


class KeySet(Protocol):
    """The public signing keys."""

    def published(self) -> Result[Sequence[dict[str, Any]]]:
        """As JSON Web Keys (RFC 7517). Refused: NoSigningKey."""
        ...
