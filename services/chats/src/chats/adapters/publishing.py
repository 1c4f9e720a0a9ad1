"""What leaves chats: each domain event as the contract event that others read."""

from chassis.core import DomainEvent
from chats.domain import events
from chats.domain.chat import Chat
from chats.domain.message import Author, AuthorKind, Message
from contracts.chats import v1
from contracts.event import Event


def to_contract(chat: Chat, event: DomainEvent) -> Event:
    """Raises LookupError for an event that nobody outside was told of yet: add it here."""
    match event:
        case events.ChatOpened():
            return _chat_opened(chat)
        case events.MessageSent(message=message):
            return _message_sent(chat, message)
    raise LookupError(f"no contract for {type(event).__name__}")


def _chat_opened(chat: Chat) -> v1.ChatOpened:
    return v1.ChatOpened(
        chat_id=chat.id,
        participants=chat.participants,
        agent_id=chat.agent_id,
        title=chat.title,
        state=state_of(chat),
    )


def _message_sent(chat: Chat, message: Message) -> v1.MessageSent:
    return v1.MessageSent(
        chat_id=chat.id,
        participants=chat.participants,
        agent_id=chat.agent_id,
        message_id=message.id,
        number=message.number,
        author=_author(message.author),
        text=message.text,
        run_id=message.run_id,
    )


def state_of(chat: Chat) -> v1.ChatState:
    return v1.ChatState(
        chat_id=chat.id,
        organisation_id=chat.org_id,
        title=chat.title,
        participants=chat.participants,
        agent_id=chat.agent_id,
        status="open",
    )


def _author(author: Author) -> v1.Author:
    return v1.Author(
        kind=author.kind.value,
        user_id=author.id if author.kind is AuthorKind.USER else None,
        agent_id=author.id if author.kind is AuthorKind.AGENT else None,
    )
