"""Consumers of chats: contract event to command."""

from collections.abc import Sequence

from chassis.core import Ok, Outcome
from chassis.kafka.consumer import Consumer, on, projection
from chats.application.ports import Transaction
from chats.application.project_agent import ProjectAgent
from chats.application.record_question import RecordQuestion
from chats.application.record_reply import RecordReply
from chats.application.use_cases import UseCases
from contracts.agent.topics import AGENTS
from contracts.agent.v1 import AgentPublished, AgentState, RunCancelled, RunCompleted, RunFailed, RunQueued


def consumers(use_cases: UseCases) -> Sequence[Consumer[Transaction]]:
    return [Agents(use_cases).consumer(), Transcript(use_cases).consumer()]


class Agents:
    """`chats.agents`: which agents there are."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases

    def consumer(self) -> Consumer[Transaction]:
        return Consumer(
            "chats.agents",
            [on(AgentPublished, self.on_agent_published)],
            projects=projection(AGENTS, AgentState, self.project, table="agents"),
        )

    async def on_agent_published(self, tx: Transaction, event: AgentPublished) -> Outcome:
        return await self.project(tx, event.state)

    async def project(self, tx: Transaction, state: AgentState) -> Outcome:
        command = ProjectAgent(state.agent_id, state.organisation_id, state.name, state.status == "active")
        return await self._use_cases.project_agent(tx, command)


class Transcript:
    """`chats.transcript`: what was asked of agents and what they answered."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases

    def consumer(self) -> Consumer[Transaction]:
        subscriptions = [
            on(RunQueued, self.on_run_queued),
            on(RunCompleted, self.on_run_completed),
            on(RunFailed, self.on_run_failed),
            on(RunCancelled, self.on_run_cancelled),
        ]
        return Consumer("chats.transcript", subscriptions)

    async def on_run_queued(self, tx: Transaction, event: RunQueued) -> Outcome:
        if event.text is None:
            return Ok(None)
        command = RecordQuestion(
            event.run_id, event.chat_id, event.agent_id, event.user_id, event.text, event.open_chat
        )
        return await self._use_cases.record_question(tx, command)

    async def on_run_completed(self, tx: Transaction, event: RunCompleted) -> Outcome:
        return await self._use_cases.record_reply(
            tx, RecordReply(event.run_id, event.chat_id, event.agent_id, event.text)
        )

    async def on_run_failed(self, tx: Transaction, event: RunFailed) -> Outcome:
        note = f"The agent could not finish: {event.reason}"
        return await self._use_cases.record_reply(tx, RecordReply(event.run_id, event.chat_id, None, note))

    async def on_run_cancelled(self, tx: Transaction, event: RunCancelled) -> Outcome:
        note = f"The agent was stopped: {event.reason}"
        return await self._use_cases.record_reply(tx, RecordReply(event.run_id, event.chat_id, None, note))
