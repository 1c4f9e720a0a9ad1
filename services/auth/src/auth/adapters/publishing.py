"""What leaves auth: each domain event as the contract event that others read."""

from dataclasses import dataclass
from uuid import UUID

from auth.domain import events
from auth.domain.membership import Membership
from auth.domain.organisation import Organisation
from auth.domain.user import User
from chassis.core import DomainEvent
from contracts.auth import v1
from contracts.event import Event
from contracts.permissions import Role

_NOBODY = UUID(int=0)


def user_event(user: User, event: DomainEvent) -> Event:
    """Raises LookupError for an event that nobody outside was told of yet: add it here, like below."""
    match event:
        case events.UserRegistered():
            state = v1.UserState(user_id=user.id, email=user.email, name=user.name, status=user.status.value)
            return v1.UserRegistered(user_id=user.id, email=user.email, name=user.name, state=state)
    raise LookupError(f"no contract for {type(event).__name__}")


def organisation_event(organisation: Organisation, event: DomainEvent) -> Event:
    match event:
        case events.OrganisationCreated():
            state = organisation_state(organisation.id, organisation.name)
            return v1.OrganisationCreated(organisation_id=organisation.id, name=organisation.name, state=state)
    raise LookupError(f"no contract for {type(event).__name__}")


def membership_event(membership: Membership, event: DomainEvent) -> Event:
    role, state = Role(membership.role), membership_state(membership)
    ids = {
        "membership_id": membership.id,
        "organisation_id": membership.org_id,
        "user_id": membership.user_id,
    }
    match event:
        case events.MembershipGranted():
            return v1.MembershipGranted(**ids, role=role, state=state)
        case events.MembershipChanged(previous_role=previous):
            return v1.MembershipChanged(**ids, role=role, previous_role=Role(previous), state=state)
        case events.MembershipRevoked():
            return v1.MembershipRevoked(**ids, role=role, state=state)
    raise LookupError(f"no contract for {type(event).__name__}")


def organisation_state(org_id: UUID, name: str) -> v1.OrganisationState:
    return v1.OrganisationState(organisation_id=org_id, name=name)


def membership_state(membership: Membership) -> v1.MembershipState:
    return v1.MembershipState(
        membership_id=membership.id,
        organisation_id=membership.org_id,
        user_id=membership.user_id,
        role=Role(membership.role),
        status="active" if membership.active else "revoked",
    )


@dataclass(frozen=True)
class Record:
    """A message that belongs to no aggregate, and its Kafka key."""

    event: Event
    key: str


def record_of(event: DomainEvent) -> Record:
    """Raises LookupError for an event that is no record."""
    match event:
        case events.SignInSucceeded():
            succeeded = v1.SignInSucceeded(user_id=event.user_id, session_id=event.session_id)
            return Record(succeeded, str(event.user_id))
        case events.SignInFailed():
            return Record(v1.SignInFailed(user_id=event.user_id, reason=event.reason), str(event.user_id or _NOBODY))
        case events.AccessRevoked():
            named = event.session or event.subject or event.organisation or _NOBODY
            return Record(_access_revoked(event), str(named))
    raise LookupError(f"no record of {type(event).__name__}")


def _access_revoked(event: events.AccessRevoked) -> v1.AccessRevoked:
    return v1.AccessRevoked(
        subject=event.subject,
        session=event.session,
        organisation=event.organisation,
        not_before=event.not_before,
        reason=event.reason,
    )
