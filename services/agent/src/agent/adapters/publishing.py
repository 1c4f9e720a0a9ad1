"""What leaves agent: each domain event as the contract event that others read."""

from typing import cast

from agent.domain import events
from agent.domain.agent import Agent
from agent.domain.run import Origin, Run
from chassis.core import DomainEvent
from contracts.agent import v1
from contracts.event import Event


def agent_to_contract(agent: Agent, event: DomainEvent) -> Event:
    """Raises LookupError for an event that nobody outside was told of yet: add it here."""
    match event:
        case events.AgentPublished():
            state = v1.AgentState(
                agent_id=agent.id,
                organisation_id=agent.org_id,
                name=agent.name,
                version=agent.version,
                status=agent.status.value,
            )
            return v1.AgentPublished(agent_id=agent.id, name=agent.name, version=agent.version, state=state)
    raise LookupError(f"no contract for {type(event).__name__}")


def run_to_contract(run: Run, event: DomainEvent) -> Event:
    """Raises LookupError for an event that nobody outside was told of yet: add it here."""
    run_id, chat_id, user_id, agent_id = run.id, run.chat_id, run.user_id, run.agent_id
    match event:
        case events.RunQueued():
            return _queued(run)
        case events.RunStarted():
            return v1.RunStarted(run_id=run_id, chat_id=chat_id, user_id=user_id)
        case events.RunCompleted():
            text = cast(str, run.reply)
            return v1.RunCompleted(run_id=run_id, chat_id=chat_id, user_id=user_id, agent_id=agent_id, text=text)
        case events.RunFailed():
            reason = cast(str, run.reason)
            return v1.RunFailed(run_id=run_id, chat_id=chat_id, user_id=user_id, agent_id=agent_id, reason=reason)
        case events.RunCancelled():
            reason = cast(str, run.reason)
            return v1.RunCancelled(run_id=run_id, chat_id=chat_id, user_id=user_id, agent_id=agent_id, reason=reason)
    raise LookupError(f"no contract for {type(event).__name__}")


def _queued(run: Run) -> v1.RunQueued:
    """A message in the chat holds the text already; a request to act brings it."""
    return v1.RunQueued(
        run_id=run.id,
        chat_id=run.chat_id,
        user_id=run.user_id,
        agent_id=run.agent_id,
        agent_version=run.agent_version,
        origin=run.origin.value,
        text=run.text if run.origin is Origin.ACT else None,
        open_chat=run.open_chat,
    )
