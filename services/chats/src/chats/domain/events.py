"""What happens to chats."""

from dataclasses import dataclass

from chassis.core import DomainEvent
from chats.domain.message import Message


@dataclass(frozen=True)
class ChatOpened(DomainEvent):
    """A chat was opened, with its participants and perhaps an agent."""


@dataclass(frozen=True)
class MessageSent(DomainEvent):
    """A message was added to the chat."""

    message: Message
