"""A message in a chat that has an agent starts a run."""

from dataclasses import dataclass
from uuid import UUID

from agent.application.ports import Transaction
from agent.application.signals import Signals
from agent.domain.errors import AgentUnknown, MayNotAct
from agent.domain.run import Question, Run
from chassis.core import Clock, Err, NotYet, Ok, Outcome
from contracts.permissions import Permission, allows


@dataclass(frozen=True)
class AnswerMessage:
    chat_id: UUID
    agent_id: UUID
    user_id: UUID
    number: int
    text: str


@dataclass(frozen=True)
class AnswerMessageHandler:
    """Refused: AgentUnknown, MayNotAct. Waits for a membership that is not known yet."""

    clock: Clock
    signals: Signals

    async def __call__(self, tx: Transaction, command: AnswerMessage) -> Outcome:
        agent = await tx.agents.get(command.agent_id)
        if agent is None or not agent.active:
            return Err(AgentUnknown(command.agent_id))
        try:
            role = await tx.members.role(command.user_id)
        except LookupError as unknown:
            return NotYet(str(unknown))
        if role is None or not allows(role, Permission.RUNS_WRITE):
            return Err(MayNotAct())
        question = Question(command.user_id, command.text, tx.context.correlation_id, command.number)
        run = Run.queue(agent, question, chat_id=command.chat_id, now=self.clock.now())
        await tx.runs.add(run)
        self.signals.queued()
        return Ok(run)
