"""Each new organisation gets an assistant."""

from dataclasses import dataclass
from uuid import UUID

from agent.application.ports import Transaction
from agent.domain.agent import Agent
from chassis.core import Ok, Outcome, new_id


@dataclass(frozen=True)
class PublishAssistant:
    org_id: UUID


async def publish_assistant(tx: Transaction, command: PublishAssistant) -> Outcome:
    assistant = Agent.assistant(new_id(), command.org_id)
    await tx.agents.add(assistant)
    return Ok(assistant)
