"""Version 1 of what chats publishes."""

from typing import Literal
from uuid import UUID

from contracts.audience import internal, users
from contracts.chats.topics import CHATS, SNAPSHOTS
from contracts.event import Event, Ordinal, Part, contract
from contracts.snapshots import v1 as snapshots


class ChatState(Part):
    """A chat after the event."""

    chat_id: UUID
    organisation_id: UUID
    title: str
    participants: tuple[UUID, ...]
    agent_id: UUID | None = None
    status: Literal["open", "archived", "deleted"]


class Author(Part):
    """Who wrote a message: `user_id` is set for a user, `agent_id` for an agent."""

    kind: Literal["user", "agent", "system"]
    user_id: UUID | None = None
    agent_id: UUID | None = None


class _ChatEvent(Event):
    chat_id: UUID
    participants: tuple[UUID, ...]
    agent_id: UUID | None = None


def to_participants(event: _ChatEvent) -> str:
    """Those who take part in the chat at that moment."""
    return users(event.participants)


@contract("chats.chat-opened", topic=CHATS, audience=to_participants, readers=("agent.chats",))
class ChatOpened(_ChatEvent):
    """There is a new chat."""

    title: str
    state: ChatState


@contract("chats.message-sent", topic=CHATS, audience=to_participants, readers=("agent.messages", "agent.transcript"))
class MessageSent(_ChatEvent):
    """A message stands in the chat. `number` counts the chat's messages; with `run_id` it starts no run."""

    message_id: UUID
    number: Ordinal
    author: Author
    text: str
    run_id: UUID | None = None


_REBUILDS = ("agent.rebuilds",)


@contract("chats.snapshot-begun", topic=SNAPSHOTS, audience=internal, readers=_REBUILDS)
class SnapshotBegun(snapshots.Begun):
    """A snapshot of one of the topics of chats begins."""


@contract("chats.aggregate-captured", topic=SNAPSHOTS, audience=internal, readers=_REBUILDS)
class AggregateCaptured(snapshots.Captured):
    """An aggregate of chats as it was when the snapshot was made; `state` is null for one that was deleted."""


@contract("chats.snapshot-ended", topic=SNAPSHOTS, audience=internal, readers=_REBUILDS)
class SnapshotEnded(snapshots.Ended):
    """A snapshot is complete."""
