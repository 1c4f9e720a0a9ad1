"""The run: one request to an agent, from the queue to its one end."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from agent.domain.agent import Agent
from agent.domain.errors import RunHasEnded
from agent.domain.events import RunCancelled, RunCompleted, RunFailed, RunQueued, RunStarted
from chassis.core import Actor, Aggregate, DomainEvent, Err, Ok, Result, new_id

LONGEST_MESSAGE = 20_000


class RunStatus(StrEnum):
    """The last three are final: a run gets into one of them, and never out of it."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})


class Origin(StrEnum):
    """What started a run: a request to act, or a message that stood in a chat already."""

    ACT = "act"
    MESSAGE = "message"


@dataclass(frozen=True)
class Question:
    """What a user asks. `message_number` is that of the message in the chat which asks it, if one does."""

    user_id: UUID
    text: str
    correlation_id: UUID
    message_number: int | None = None


@dataclass(kw_only=True)
class Run(Aggregate):
    """`agent_version` is the one it began with, whatever is published later.

    `message_number` is that of the message that started it, None for a request to act. `open_chat`: the chat is to be
    opened for it. `reply` is set when completed, `reason` (a sentence for people) when failed or cancelled.
    """

    org_id: UUID
    chat_id: UUID
    agent_id: UUID
    agent_version: int
    user_id: UUID
    correlation_id: UUID
    text: str
    queued_at: datetime
    message_number: int | None = None
    open_chat: bool = False
    status: RunStatus = RunStatus.QUEUED
    reply: str | None = None
    reason: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @classmethod
    def queue(cls, agent: Agent, question: Question, *, chat_id: UUID | None, now: datetime) -> "Run":
        """A run of the agent's present version; without a `chat_id`, in a chat that is to be opened."""
        run = cls(
            id=new_id(),
            org_id=agent.org_id,
            chat_id=chat_id or new_id(),
            open_chat=chat_id is None,
            agent_id=agent.id,
            agent_version=agent.version,
            user_id=question.user_id,
            correlation_id=question.correlation_id,
            text=question.text,
            message_number=question.message_number,
            queued_at=now,
        )
        run.record(RunQueued())
        return run

    @property
    def origin(self) -> Origin:
        return Origin.ACT if self.message_number is None else Origin.MESSAGE

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def actor(self) -> Actor:
        """On whose behalf and through whom the run acts."""
        return Actor.user(self.user_id).through(self.agent_id, self.agent_version, self.id)

    def start(self, now: datetime) -> None:
        """Begins a queued run. One that runs already goes on: its worker is another one, after a crash or a wait."""
        if self.status is RunStatus.QUEUED:
            self.status, self.started_at = RunStatus.RUNNING, now
            self.record(RunStarted())

    def complete(self, reply: str, now: datetime) -> Result[None]:
        """Refused: RunHasEnded."""
        return self._end(RunStatus.COMPLETED, RunCompleted(), now, reply=reply)

    def fail(self, reason: str, now: datetime) -> Result[None]:
        """Refused: RunHasEnded."""
        return self._end(RunStatus.FAILED, RunFailed(), now, reason=reason)

    def cancel(self, reason: str, now: datetime) -> Result[None]:
        """Refused: RunHasEnded."""
        return self._end(RunStatus.CANCELLED, RunCancelled(), now, reason=reason)

    def _end(
        self,
        status: RunStatus,
        event: DomainEvent,
        now: datetime,
        *,
        reply: str | None = None,
        reason: str | None = None,
    ) -> Result[None]:
        if self.ended:
            return Err(RunHasEnded(self.status.value))
        self.status, self.reply, self.reason, self.ended_at = status, reply, reason, now
        self.record(event)
        return Ok(None)
