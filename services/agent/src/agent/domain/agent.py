"""The agent: a named, versioned definition of what acts."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from agent.domain.events import AgentPublished
from chassis.core import Aggregate

ASSISTANT = "Assistant"
INSTRUCTIONS = (
    "You help the members of an organisation with what they work on. Use the tools to find, create and change it; "
    "say plainly what you did, and say so when a tool refused."
)
OFFLINE = "offline"
STEP_LIMIT = 20


class AgentStatus(StrEnum):
    """Only an active agent can be asked."""

    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(kw_only=True)
class Agent(Aggregate):
    """`model` is `<provider>` or `<provider>:<model>`; `step_limit` is the most model answers of one run."""

    org_id: UUID
    name: str
    version: int
    status: AgentStatus
    instructions: str
    model: str
    step_limit: int

    @classmethod
    def assistant(cls, agent_id: UUID, org_id: UUID, model: str) -> "Agent":
        """The agent that each organisation has from its first day."""
        agent = cls(
            id=agent_id,
            org_id=org_id,
            name=ASSISTANT,
            version=1,
            status=AgentStatus.ACTIVE,
            instructions=INSTRUCTIONS,
            model=model,
            step_limit=STEP_LIMIT,
        )
        agent.record(AgentPublished())
        return agent

    @property
    def active(self) -> bool:
        return self.status is AgentStatus.ACTIVE
