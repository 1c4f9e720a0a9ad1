"""What chats refuse."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from chassis.core import Failure, Kind


@dataclass(frozen=True)
class ChatNotFound(Failure):
    chat_id: UUID
    slug: ClassVar[str] = "chat-not-found"
    kind: ClassVar[Kind] = Kind.NOT_FOUND
    title: ClassVar[str] = "There is no such chat"

    @property
    def detail(self) -> str:
        return f"There is no chat {self.chat_id} in this organisation."


@dataclass(frozen=True)
class NotAParticipant(Failure):
    slug: ClassVar[str] = "not-a-participant"
    kind: ClassVar[Kind] = Kind.FORBIDDEN
    title: ClassVar[str] = "Only participants of a chat may read it or write in it"


@dataclass(frozen=True)
class MayNotWrite(Failure):
    slug: ClassVar[str] = "may-not-write-chats"
    kind: ClassVar[Kind] = Kind.FORBIDDEN
    title: ClassVar[str] = "Your role may read chats but not open them or write in them"


@dataclass(frozen=True)
class AgentUnknown(Failure):
    agent_id: UUID
    slug: ClassVar[str] = "agent-unknown"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "There is no such agent, or it is retired"
    field: ClassVar[str] = "/agent_id"

    @property
    def detail(self) -> str:
        return f"There is no active agent {self.agent_id} in this organisation."


@dataclass(frozen=True)
class ParticipantUnknown(Failure):
    user_id: UUID
    slug: ClassVar[str] = "participant-unknown"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "A participant is no member of the organisation"
    field: ClassVar[str] = "/participants"

    @property
    def detail(self) -> str:
        return f"{self.user_id} is no member of this organisation."


@dataclass(frozen=True)
class TooManyParticipants(Failure):
    most: int
    slug: ClassVar[str] = "too-many-participants"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "A chat has too many participants"
    field: ClassVar[str] = "/participants"

    @property
    def detail(self) -> str:
        return f"A chat has at most {self.most} participants, you included."
