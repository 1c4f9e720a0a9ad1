"""A person asks an agent to act."""

from dataclasses import dataclass
from uuid import UUID

from agent.application.ports import KnownChat, Transaction
from agent.application.signals import Signals
from agent.domain.agent import Agent
from agent.domain.errors import AgentUnknown, ChatIsBusy, ChatNotFound, MayNotAct, NoAgentYet, NotAParticipant
from agent.domain.run import Question, Run
from chassis.core import Clock, Err, Ok, Result
from contracts.permissions import Permission


@dataclass(frozen=True)
class Act:
    """Without a chat, one is opened. Without an agent, the chat's own answers, else the organisation's assistant.

    `only_if_idle`: refused while another run of the chat has not ended; else it waits for its turn.
    """

    message: str
    chat_id: UUID | None
    agent_id: UUID | None
    only_if_idle: bool


@dataclass(frozen=True)
class Acted:
    run_id: UUID
    chat_id: UUID


@dataclass(frozen=True)
class ActHandler:
    """Refused: ChatNotFound, NotAParticipant, MayNotAct, AgentUnknown, NoAgentYet, ChatIsBusy."""

    clock: Clock
    signals: Signals

    async def __call__(self, tx: Transaction, command: Act) -> Result[Acted]:
        entered = await self._enter(tx, command)
        if isinstance(entered, Err):
            return entered
        agent = await self._choose(tx, command, entered.value)
        if isinstance(agent, Err):
            return agent
        if command.only_if_idle and command.chat_id is not None and await tx.runs.is_busy(command.chat_id):
            return Err(ChatIsBusy(command.chat_id))
        question = Question(tx.context.user_id, command.message, tx.context.correlation_id)
        run = Run.queue(agent.value, question, chat_id=command.chat_id, now=self.clock.now())
        await tx.runs.add(run)
        self.signals.queued()
        return Ok(Acted(run.id, run.chat_id))

    async def _enter(self, tx: Transaction, command: Act) -> Result[KnownChat | None]:
        chat = None
        if command.chat_id is not None:
            chat = await tx.projections.find_chat(command.chat_id)
            if chat is None:
                return Err(ChatNotFound(command.chat_id))
            if tx.context.user_id not in chat.participants:
                return Err(NotAParticipant())
        return Ok(chat) if tx.context.may(Permission.RUNS_WRITE) else Err(MayNotAct())

    async def _choose(self, tx: Transaction, command: Act, chat: KnownChat | None) -> Result[Agent]:
        named = command.agent_id or (chat.agent_id if chat is not None else None)
        if named is None:
            first = await tx.agents.first()
            return Ok(first) if first is not None else Err(NoAgentYet())
        agent = await tx.agents.get(named)
        return Ok(agent) if agent is not None and agent.active else Err(AgentUnknown(named))
