"""The chat: who takes part, and in which order messages came."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.core import Aggregate, Err, Ok, Result, new_id
from chats.domain.errors import NotAParticipant, TooManyParticipants
from chats.domain.events import ChatOpened, MessageSent
from chats.domain.message import Author, Message

MOST_PARTICIPANTS = 50
LONGEST_TITLE = 200


@dataclass(kw_only=True)
class Chat(Aggregate):
    """A conversation in an organisation. Messages raise its sequence, not its revision: reading it shows none."""

    org_id: UUID
    title: str
    participants: tuple[UUID, ...]
    agent_id: UUID | None
    opened_at: datetime
    last_number: int = 0

    @classmethod
    def open(
        cls,
        *,
        chat_id: UUID,
        org_id: UUID,
        title: str,
        opener: UUID,
        others: Iterable[UUID],
        agent_id: UUID | None,
        now: datetime,
    ) -> Result["Chat"]:
        """The opener always takes part. Refused: TooManyParticipants."""
        participants = tuple(dict.fromkeys((opener, *others)))
        if len(participants) > MOST_PARTICIPANTS:
            return Err(TooManyParticipants(MOST_PARTICIPANTS))
        chat = cls(id=chat_id, org_id=org_id, title=title, participants=participants, agent_id=agent_id, opened_at=now)
        chat.record(ChatOpened())
        return Ok(chat)

    def send(self, user_id: UUID, text: str, *, run_id: UUID | None, now: datetime) -> Result[Message]:
        """A person's message. Refused: NotAParticipant."""
        if user_id not in self.participants:
            return Err(NotAParticipant())
        return Ok(self._add(Author.user(user_id), text, run_id, now))

    def reply(self, agent_id: UUID, text: str, *, run_id: UUID, now: datetime) -> Message:
        """The agent's answer to a run."""
        return self._add(Author.agent(agent_id), text, run_id, now)

    def note(self, text: str, *, run_id: UUID | None = None, now: datetime) -> Message:
        """A visible note of the system, e.g. that a run has failed. `run_id` None: no run has to do with it."""
        return self._add(Author.system(), text, run_id, now)

    def _add(self, author: Author, text: str, run_id: UUID | None, now: datetime) -> Message:
        self.last_number += 1
        message = Message(new_id(), self.id, self.org_id, self.last_number, author, text, run_id, now)
        self.record(MessageSent(message), visible=False)
        return message
