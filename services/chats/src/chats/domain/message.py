"""Messages: append-only, numbered per chat from 1."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

LONGEST_TEXT = 20_000


class AuthorKind(StrEnum):
    """Who writes: a person, an agent, or the system itself with a note."""

    USER = "user"
    AGENT = "agent"
    SYSTEM = "system"


@dataclass(frozen=True)
class Author:
    """`id` is the user's or the agent's; the system has none."""

    kind: AuthorKind
    id: UUID | None = None

    @classmethod
    def user(cls, user_id: UUID) -> "Author":
        return cls(AuthorKind.USER, user_id)

    @classmethod
    def agent(cls, agent_id: UUID) -> "Author":
        return cls(AuthorKind.AGENT, agent_id)

    @classmethod
    def system(cls) -> "Author":
        return cls(AuthorKind.SYSTEM)


@dataclass(frozen=True)
class Message:
    """`run_id`: the agent's run that this message started, or that wrote it."""

    id: UUID
    chat_id: UUID
    org_id: UUID
    number: int
    author: Author
    text: str
    run_id: UUID | None
    sent_at: datetime
