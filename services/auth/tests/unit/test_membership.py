from auth.adapters.publishing import membership_event
from auth.domain.errors import LastAdmin
from auth.domain.events import MembershipChanged, MembershipGranted, MembershipRevoked
from auth.domain.membership import MemberRole
from chassis.core import Err, Ok, membership_id
from contracts.auth import v1

from ..builders import NOW, a_membership


def test_its_id_follows_from_organisation_and_user() -> None:
    membership = a_membership()
    assert membership.id == membership_id(membership.org_id, membership.user_id)


def test_revoked_and_granted_again_it_goes_on_counting() -> None:
    membership = a_membership(MemberRole.ADMIN)
    membership.revoke(has_other_admin=True)
    membership.grant_again(MemberRole.VIEWER, now=NOW)
    recorded = membership.take_recorded()
    assert [(type(item.event), item.sequence) for item in recorded] == [
        (MembershipGranted, 1),
        (MembershipRevoked, 2),
        (MembershipGranted, 3),
    ]
    assert (membership.active, membership.role, membership.revision) == (True, MemberRole.VIEWER, 3)


def test_a_change_answers_whether_rights_were_lost() -> None:
    membership = a_membership(MemberRole.EDITOR)
    assert membership.change_role(MemberRole.ADMIN, has_other_admin=False) == Ok(False)
    assert membership.change_role(MemberRole.VIEWER, has_other_admin=True) == Ok(True)
    assert [item.event for item in membership.take_recorded()[1:]] == [
        MembershipChanged("editor"),
        MembershipChanged("admin"),
    ]


def test_the_same_role_changes_nothing() -> None:
    membership = a_membership(MemberRole.ADMIN)
    membership.take_recorded()
    assert membership.change_role(MemberRole.ADMIN, has_other_admin=False) == Ok(False)
    assert (membership.take_recorded(), membership.revision) == ([], 1)


def test_the_last_admin_can_neither_be_lowered_nor_leave() -> None:
    membership = a_membership(MemberRole.ADMIN)
    assert membership.change_role(MemberRole.EDITOR, has_other_admin=False) == Err(LastAdmin())
    assert membership.revoke(has_other_admin=False) == Err(LastAdmin())
    assert (membership.active, membership.role, membership.sequence) == (True, MemberRole.ADMIN, 1)


def test_its_events_leave_with_the_state_after_them() -> None:
    membership = a_membership(MemberRole.EDITOR)
    membership.revoke(has_other_admin=False)
    event = membership_event(membership, membership.take_recorded()[-1].event)
    assert isinstance(event, v1.MembershipRevoked)
    assert (event.state.status, event.role) == ("revoked", "editor")
