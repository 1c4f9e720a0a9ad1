import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.agent.v1 import ModuleCommandRequested
from contracts.auth.v1 import AccessRevoked, MembershipState
from contracts.chats.v1 import Author, MessageSent
from contracts.event import Event
from contracts.permissions import Role

ids = st.uuids()
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
)
messages = st.builds(
    MessageSent,
    chat_id=ids,
    participants=st.lists(ids, max_size=50).map(tuple),
    agent_id=st.none() | ids,
    message_id=ids,
    number=st.integers(1, 2**53),
    author=st.builds(Author, kind=st.sampled_from(["user", "agent", "system"]), user_id=st.none() | ids),
    text=st.text(),
    run_id=st.none() | ids,
)
commands = st.builds(
    ModuleCommandRequested,
    command_id=ids,
    run_id=ids,
    action=st.sampled_from(["create", "change", "act", "delete"]),
    input=st.dictionaries(st.text(), values),
    deadline=st.datetimes(timezones=st.just(UTC)),
)


@given(messages | commands)
def test_an_event_survives_its_bytes(event: Event) -> None:
    assert type(event).model_validate_json(event.encode(), strict=True) == event


def test_times_are_written_in_utc_with_z() -> None:
    in_lisbon = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=1)))
    written = json.loads(AccessRevoked(not_before=in_lisbon, reason="signed-out").encode())
    assert written["not_before"] == "2026-07-01T11:00:00Z"


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="not_before"):
        AccessRevoked(not_before=datetime.fromisoformat("2026-07-01T12:00:00"), reason="signed-out")


def test_every_field_is_written_also_without_a_value() -> None:
    written = json.loads(AccessRevoked(not_before=datetime(2026, 7, 1, tzinfo=UTC), reason="signed-out").encode())
    assert written.keys() == AccessRevoked.model_fields.keys()


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_have_is_refused(number: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        ModuleCommandRequested(
            command_id=UUID(int=1),
            run_id=UUID(int=2),
            action="create",
            input={"fee": number},
            deadline=datetime(2026, 7, 1, tzinfo=UTC),
        )


def test_no_membership_makes_a_super_admin() -> None:
    with pytest.raises(ValidationError, match="viewer, editor or admin"):
        MembershipState(
            membership_id=UUID(int=1),
            organisation_id=UUID(int=2),
            user_id=UUID(int=3),
            role=Role.SUPER_ADMIN,
            status="active",
        )
