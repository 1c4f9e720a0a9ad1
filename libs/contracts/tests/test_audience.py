from uuid import UUID

import pytest

from contracts.audience import users
from contracts.event import Event
from contracts.files import Files
from contracts.registry import all_contracts

PERSONAL = {"auth.user-registered", "auth.sign-in-succeeded", "auth.sign-in-failed", "auth.access-revoked"}


def test_each_user_is_named_once_in_the_given_order() -> None:
    assert users([UUID(int=2), UUID(int=1), UUID(int=2)]) == f"users:{UUID(int=2)},{UUID(int=1)}"


def test_without_any_user_nobody_may_see_it() -> None:
    assert users([]) == "internal"


@pytest.mark.parametrize("event", all_contracts(), ids=lambda event: event.contract.kind)
def test_what_is_personal_or_an_order_stays_internal(event: type[Event]) -> None:
    example = event.model_validate_json(Files().example(event).read_bytes(), strict=True)
    private = event.contract.kind in PERSONAL or event.contract.topic.name in {"modules-commands", "modules-replies"}
    if private:
        assert event.contract.audience(example) == "internal"
    if "email" in event.model_fields:
        assert event.contract.topic.name == "auth-users"


@pytest.mark.parametrize("event", all_contracts(), ids=lambda event: event.contract.kind)
def test_conversations_are_seen_by_those_named_only(event: type[Event]) -> None:
    if event.contract.topic.name in {"chats-chats", "agent-runs"}:
        example = event.model_validate_json(Files().example(event).read_bytes(), strict=True)
        assert event.contract.audience(example).startswith("users:")
