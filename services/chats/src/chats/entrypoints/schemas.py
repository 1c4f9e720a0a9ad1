"""Bodies of the REST API of chats."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from chassis.http.pages import ListQuery
from chats.application.views import ChatView, MessageView
from chats.domain.chat import LONGEST_TITLE, MOST_PARTICIPANTS
from chats.domain.message import LONGEST_TEXT

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TITLE)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TEXT, pattern=r"\S")]


class OpenChatBody(BaseModel):
    """A new chat. You take part in it always; `participants` are the others."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"title": "Summer Tour", "participants": []}}
    )

    title: Title
    participants: list[UUID] = Field(default=[], max_length=MOST_PARTICIPANTS)
    agent_id: UUID | None = Field(default=None, description="The agent that answers in this chat")


class SendMessageBody(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"text": "create a project called Summer Tour"}}
    )

    text: Text


class ChatBody(BaseModel):
    id: UUID
    title: str
    participants: list[UUID]
    agent_id: UUID | None
    opened_at: datetime
    message_count: int
    revision: int

    @classmethod
    def of(cls, chat: ChatView) -> "ChatBody":
        return cls(
            id=chat.id,
            title=chat.title,
            participants=list(chat.participants),
            agent_id=chat.agent_id,
            opened_at=chat.opened_at,
            message_count=chat.last_number,
            revision=chat.revision,
        )


class AuthorBody(BaseModel):
    """`id` is the user's or the agent's; notes of the system have none."""

    kind: Literal["user", "agent", "system"]
    id: UUID | None


class MessageBody(BaseModel):
    """`run_id`: the agent's run that this message started, or that wrote it."""

    id: UUID
    chat_id: UUID
    number: int
    author: AuthorBody
    text: str
    run_id: UUID | None
    sent_at: datetime

    @classmethod
    def of(cls, message: MessageView) -> "MessageBody":
        return cls(
            id=message.id,
            chat_id=message.chat_id,
            number=message.number,
            author=AuthorBody.model_validate({"kind": message.author_kind, "id": message.author_id}),
            text=message.text,
            run_id=message.run_id,
            sent_at=message.sent_at,
        )


class MessagesQuery(ListQuery):
    order: Literal["oldest-first", "newest-first"] = "oldest-first"
