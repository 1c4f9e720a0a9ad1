from datetime import timedelta

import pytest

from auth.domain.errors import InvitationInvalid
from auth.domain.invitation import LIFETIME, Invitation, InvitationStatus
from auth.domain.membership import MemberRole
from chassis.core import Err, Ok, new_id

from ..builders import NOW

EMAIL = "grace@example.com"


def an_invitation() -> Invitation:
    return Invitation.make(org_id=new_id(), email=EMAIL, role=MemberRole.EDITOR, invited_by=new_id(), now=NOW)


def test_it_is_accepted_once() -> None:
    invitation, user_id = an_invitation(), new_id()
    assert invitation.accept(user_id, EMAIL, now=NOW) == Ok(None)
    assert invitation.accept(new_id(), EMAIL, now=NOW) == Err(InvitationInvalid())
    assert (invitation.accepted_by, invitation.status(NOW)) == (user_id, InvitationStatus.ACCEPTED)


@pytest.mark.parametrize(
    ("email", "later", "revoked"),
    [
        ("eve@example.com", timedelta(0), False),
        (EMAIL, LIFETIME, False),
        (EMAIL, timedelta(0), True),
    ],
)
def test_for_another_address_or_late_or_revoked_it_is_good_for_nothing(
    email: str, later: timedelta, revoked: bool
) -> None:
    invitation = an_invitation()
    invitation.revoked_at = NOW if revoked else None
    assert not invitation.could_be_of(email, NOW + later)
    assert invitation.accept(new_id(), email, now=NOW + later) == Err(InvitationInvalid())
    assert invitation.accepted_by is None
