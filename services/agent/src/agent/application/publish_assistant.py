"""Each new organisation gets an assistant."""

from dataclasses import dataclass
from uuid import UUID

from agent.application.ports import Transaction
from agent.domain.agent import Agent
from chassis.core import Ok, Outcome, new_id


@dataclass(frozen=True)
class PublishAssistant:
    org_id: UUID


class PublishAssistantHandler:
    """`model` is what the assistants answer with, as `<provider>` or `<provider>:<model>`."""

    def __init__(self, model: str) -> None:
        self._model = model

    async def __call__(self, tx: Transaction, command: PublishAssistant) -> Outcome:
        assistant = Agent.assistant(new_id(), command.org_id, self._model)
        await tx.agents.add(assistant)
        return Ok(assistant)
