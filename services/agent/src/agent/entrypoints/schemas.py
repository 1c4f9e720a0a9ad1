"""Bodies of the REST API of agent."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from agent.application.act import Acted
from agent.application.views import AgentView, RunView, StepView
from agent.domain.run import LONGEST_MESSAGE, Origin, RunStatus

Message = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_MESSAGE, pattern=r"\S")]


class ActBody(BaseModel):
    """What an agent is asked to do."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"message": "create a project called Summer Tour"}}
    )

    message: Message
    chat_id: UUID | None = Field(default=None, description="A chat you take part in; without one, a chat is opened")
    agent_id: UUID | None = Field(default=None, description="Who acts; else the chat's agent, else the assistant")
    on_busy: Literal["enqueue", "reject"] = Field(
        default="enqueue", description="While another run of the chat goes on: wait for your turn, or answer 409"
    )


class ActedBody(BaseModel):
    run_id: UUID
    chat_id: UUID

    @classmethod
    def of(cls, acted: Acted) -> "ActedBody":
        return cls(run_id=acted.run_id, chat_id=acted.chat_id)


class AgentBody(BaseModel):
    """`model` is `<provider>` or `<provider>:<model>`; `step_limit` the most model answers of one run."""

    id: UUID
    name: str
    version: int
    status: Literal["active", "retired"]
    instructions: str
    model: str
    step_limit: int
    revision: int

    @classmethod
    def of(cls, agent: AgentView) -> "AgentBody":
        return cls.model_validate(agent, from_attributes=True)


class RunBody(BaseModel):
    """`reply` is there when completed, `reason` when failed or cancelled."""

    id: UUID
    chat_id: UUID
    agent_id: UUID
    agent_version: int
    user_id: UUID
    origin: Origin
    status: RunStatus
    text: str
    reply: str | None
    reason: str | None
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    revision: int

    @classmethod
    def of(cls, run: RunView) -> "RunBody":
        return cls.model_validate(run, from_attributes=True)


class StepBody(BaseModel):
    """A finished step: what the run began with, an answer of the model (its text, or the tools it calls), or what the
    tool `tool` gave."""

    number: int
    kind: Literal["begun", "model", "tool"]
    tool: str | None
    content: Any
    finished_at: datetime

    @classmethod
    def of(cls, step: StepView) -> "StepBody":
        return cls.model_validate(step, from_attributes=True)
