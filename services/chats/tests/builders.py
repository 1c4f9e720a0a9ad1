"""Chats as tests need them; what a test does not name is made up."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from chassis.core import Ok, new_id
from chats.domain.chat import Chat

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def a_chat(
    *,
    org_id: UUID | None = None,
    opener: UUID | None = None,
    others: Iterable[UUID] = (),
    agent_id: UUID | None = None,
    title: str = "Planning",
) -> Chat:
    opened = Chat.open(
        chat_id=new_id(),
        org_id=org_id or new_id(),
        title=title,
        opener=opener or new_id(),
        others=others,
        agent_id=agent_id,
        now=NOW,
    )
    assert isinstance(opened, Ok)
    return opened.value
