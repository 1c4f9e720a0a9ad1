"""Version 1 of what auth publishes. Personal data stands on `auth-users` only."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, WithJsonSchema

from contracts.audience import internal, to_org
from contracts.auth.topics import MEMBERSHIPS, ORGANISATIONS, REVOCATIONS, SIGN_INS, SNAPSHOTS, USERS
from contracts.event import Event, Moment, Part, contract
from contracts.permissions import Role
from contracts.snapshots import v1 as snapshots

_IN_AN_ORGANISATION = (Role.VIEWER, Role.EDITOR, Role.ADMIN)


def _in_an_organisation(role: Role) -> Role:
    if role not in _IN_AN_ORGANISATION:
        raise ValueError("a membership's role is viewer, editor or admin")
    return role


MemberRole = Annotated[
    Role,
    AfterValidator(_in_an_organisation),
    WithJsonSchema({"type": "string", "enum": [role.value for role in _IN_AN_ORGANISATION]}),
]
"""A role that a membership can give: no event can make a super_admin of a member."""


class UserState(Part):
    """A user after the event."""

    user_id: UUID
    email: str
    name: str
    status: Literal["active", "blocked", "deleted"]


class OrganisationState(Part):
    """An organisation after the event."""

    organisation_id: UUID
    name: str


class MembershipState(Part):
    """A membership after the event; it is revoked, never deleted."""

    membership_id: UUID
    organisation_id: UUID
    user_id: UUID
    role: MemberRole
    status: Literal["active", "revoked"]


@contract("auth.user-registered", topic=USERS, audience=internal)
class UserRegistered(Event):
    """Somebody has signed up."""

    user_id: UUID
    email: str
    name: str
    state: UserState


@contract("auth.organisation-created", topic=ORGANISATIONS, audience=to_org, readers=("agent.organisations",))
class OrganisationCreated(Event):
    """There is a new organisation."""

    organisation_id: UUID
    name: str
    state: OrganisationState


class _MembershipEvent(Event):
    membership_id: UUID
    organisation_id: UUID
    user_id: UUID
    role: MemberRole
    state: MembershipState


_PROJECTIONS = ("agent.memberships", "chats.memberships", "modules.memberships")
_RIGHTS = ("agent.memberships", "agent.rights", "chats.memberships", "modules.memberships")


@contract("auth.membership-granted", topic=MEMBERSHIPS, audience=to_org, readers=_PROJECTIONS)
class MembershipGranted(_MembershipEvent):
    """A user has become a member, for the first time or again."""


@contract("auth.membership-changed", topic=MEMBERSHIPS, audience=to_org, readers=_RIGHTS)
class MembershipChanged(_MembershipEvent):
    """A member has another role."""

    previous_role: MemberRole


@contract("auth.membership-revoked", topic=MEMBERSHIPS, audience=to_org, readers=_RIGHTS)
class MembershipRevoked(_MembershipEvent):
    """A user has left the organisation or was removed; `role` is the last one."""


@contract("auth.sign-in-succeeded", topic=SIGN_INS, audience=internal)
class SignInSucceeded(Event):
    """Somebody has signed in."""

    user_id: UUID
    session_id: UUID


@contract("auth.sign-in-failed", topic=SIGN_INS, audience=internal)
class SignInFailed(Event):
    """Somebody has tried to sign in; `reason` is a slug, `user_id` is null for an unknown address."""

    user_id: UUID | None = None
    reason: str


@contract(
    "auth.access-revoked",
    topic=REVOCATIONS,
    audience=internal,
    readers=(
        "agent.revocations",
        "auth.revocations",
        "chats.revocations",
        "gateway.revocations",
        "modules.revocations",
    ),
)
class AccessRevoked(Event):
    """Tokens issued before `not_before` are void if they match every id given here.

    `subject` (a user) and `organisation` together: that user's tokens for that organisation. `reason` is a slug.
    """

    subject: UUID | None = None
    session: UUID | None = None
    organisation: UUID | None = None
    not_before: Moment
    reason: str


_REBUILDS = ("agent.rebuilds", "chats.rebuilds", "modules.rebuilds")


@contract("auth.snapshot-begun", topic=SNAPSHOTS, audience=internal, readers=_REBUILDS)
class SnapshotBegun(snapshots.Begun):
    """A snapshot of one of the topics of auth begins."""


@contract("auth.aggregate-captured", topic=SNAPSHOTS, audience=internal, readers=_REBUILDS)
class AggregateCaptured(snapshots.Captured):
    """An aggregate of auth as it was when the snapshot was made; `state` is null for one that was deleted."""


@contract("auth.snapshot-ended", topic=SNAPSHOTS, audience=internal, readers=_REBUILDS)
class SnapshotEnded(snapshots.Ended):
    """A snapshot is complete."""
