"""Keeps what chats know of agents."""

from dataclasses import dataclass
from uuid import UUID

from chassis.core import Ok, Outcome
from chats.application.ports import Transaction


@dataclass(frozen=True)
class ProjectAgent:
    agent_id: UUID
    org_id: UUID
    name: str
    active: bool


async def project_agent(tx: Transaction, command: ProjectAgent) -> Outcome:
    await tx.agents.put(command.agent_id, command.org_id, name=command.name, active=command.active)
    return Ok(None)
