"""Under what a worker acts."""

from uuid import UUID

from agent.domain.journal import Lease
from chassis.use_case import Context


def context_of(lease: Lease, *, command_id: UUID | None = None) -> Context:
    """The run's user, through the run's agent. No role: the services that are asked look it up at that moment."""
    return Context(
        actor=lease.actor,
        org_id=lease.org_id,
        role=None,
        correlation_id=lease.correlation_id,
        causation_id=lease.run_id,
        command_id=command_id,
    )
