from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.adapters.publishing import record_of
from auth.domain.events import SignInFailed
from auth.domain.secrets import BearerSecret
from auth.domain.session import GRACE, LIFETIME, Session, Standing, StoredToken
from chassis.core import DomainEvent, new_id
from contracts.auth import v1

from ..builders import NOW

MOMENT = timedelta(microseconds=1)


def test_a_session_lives_thirty_days_and_no_longer() -> None:
    session = Session.start(new_id(), new_id(), now=NOW)
    assert session.is_live(NOW + LIFETIME - MOMENT)
    assert not session.is_live(NOW + LIFETIME)


def test_ending_it_voids_what_was_issued_before() -> None:
    session = Session.start(new_id(), new_id(), now=NOW)
    revoked = session.end("signed-out", now=NOW)
    assert (revoked.session, revoked.subject, revoked.not_before) == (session.id, None, NOW)
    assert not session.is_live(NOW)


@pytest.mark.parametrize(
    ("used", "later", "standing"),
    [
        (False, timedelta(days=29), Standing.FRESH),
        (True, timedelta(0), Standing.REPEATED),
        (True, GRACE - MOMENT, Standing.REPEATED),
        (True, GRACE, Standing.REUSED),
        (True, timedelta(days=1), Standing.REUSED),
    ],
)
def test_a_used_token_may_be_repeated_within_the_grace(used: bool, later: timedelta, standing: Standing) -> None:
    token = StoredToken(b"", NOW if used else None, b"sealed" if used else None)
    assert token.standing(NOW + later) is standing


def test_a_secret_is_read_back_from_its_text() -> None:
    secret = BearerSecret.new(new_id(), new_id())
    assert BearerSecret.parse(secret.text) == secret
    assert len(secret.text) == 86
    assert secret.secret.hex() not in repr(secret)


def test_any_change_of_a_secret_changes_its_digest() -> None:
    secret = BearerSecret.new(new_id(), new_id())
    other = BearerSecret(new_id(), secret.owner_id, secret.secret)
    assert len({secret.digest, other.digest, BearerSecret.new(secret.org_id, secret.owner_id).digest}) == 3


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading_of_a_secret(text: str) -> None:
    found = BearerSecret.parse(text)
    assert found is None or len(found.secret) == 32


def test_an_event_that_is_no_record_is_not_announced() -> None:
    with pytest.raises(LookupError):
        record_of(DomainEvent())


def test_a_failed_sign_in_of_nobody_has_the_key_of_nobody() -> None:
    record = record_of(SignInFailed(None, "unknown-address"))
    assert record.key == "00000000-0000-0000-0000-000000000000"
    assert record.event == v1.SignInFailed(user_id=None, reason="unknown-address")
