"""What happens to agents and runs."""

from dataclasses import dataclass

from chassis.core import DomainEvent


@dataclass(frozen=True)
class AgentPublished(DomainEvent):
    """An agent has a new version, the first included."""


@dataclass(frozen=True)
class RunQueued(DomainEvent):
    """A run waits for a worker."""


@dataclass(frozen=True)
class RunStarted(DomainEvent):
    """A worker has begun the run."""


@dataclass(frozen=True)
class RunCompleted(DomainEvent):
    """The run has ended with a reply."""


@dataclass(frozen=True)
class RunFailed(DomainEvent):
    """The run has ended without a reply."""


@dataclass(frozen=True)
class RunCancelled(DomainEvent):
    """The run was stopped."""
