"""Version 1 of what agent publishes, its orders to modules included."""

from typing import Literal
from uuid import UUID

from pydantic import JsonValue

from contracts.agent.topics import AGENTS, RUNS, SNAPSHOTS
from contracts.audience import internal, to_org, users
from contracts.event import Event, Moment, Ordinal, Part, contract
from contracts.modules.topics import COMMANDS
from contracts.snapshots import v1 as snapshots


class AgentState(Part):
    """An agent after the event."""

    agent_id: UUID
    organisation_id: UUID
    name: str
    version: Ordinal
    status: Literal["active", "retired"]


class RunState(Part):
    """A run as a snapshot shows it; no event carries it."""

    run_id: UUID
    organisation_id: UUID
    chat_id: UUID
    user_id: UUID
    agent_id: UUID
    status: str


@contract("agent.agent-published", topic=AGENTS, audience=to_org, readers=("chats.agents",))
class AgentPublished(Event):
    """An agent has a new version, the first included."""

    agent_id: UUID
    name: str
    version: Ordinal
    state: AgentState


class _RunEvent(Event):
    run_id: UUID
    chat_id: UUID
    user_id: UUID


def to_the_asker(event: _RunEvent) -> str:
    """The user whose run it is."""
    return users((event.user_id,))


@contract("agent.run-queued", topic=RUNS, audience=to_the_asker, readers=("chats.transcript",))
class RunQueued(_RunEvent):
    """A run waits for a worker. `text` is the request of an `act`, null where a message in the chat holds it;
    `open_chat` asks chats to open the chat under this id first.
    """

    agent_id: UUID
    agent_version: Ordinal
    origin: Literal["act", "message"]
    text: str | None = None
    open_chat: bool


@contract("agent.run-started", topic=RUNS, audience=to_the_asker)
class RunStarted(_RunEvent):
    """A worker has begun the run."""


@contract("agent.run-completed", topic=RUNS, audience=to_the_asker, readers=("chats.transcript",))
class RunCompleted(_RunEvent):
    """The run has ended with an answer."""

    agent_id: UUID
    text: str


@contract("agent.run-failed", topic=RUNS, audience=to_the_asker, readers=("chats.transcript",))
class RunFailed(_RunEvent):
    """The run has ended without an answer; `reason` is a sentence that people may read."""

    agent_id: UUID
    reason: str


@contract("agent.run-cancelled", topic=RUNS, audience=to_the_asker, readers=("chats.transcript",))
class RunCancelled(_RunEvent):
    """The run was stopped; `reason` is a sentence that people may read."""

    agent_id: UUID
    reason: str


@contract("agent.module-command-requested", topic=COMMANDS, audience=internal, readers=("modules.commands",))
class ModuleCommandRequested(Event):
    """An order to modules, on behalf of the user in the envelope's actor, void after `deadline`.

    `create` names a `kind`, the others a `module_id`; `act` also an `action_name`.
    """

    command_id: UUID
    run_id: UUID
    action: Literal["create", "change", "act", "delete"]
    kind: str | None = None
    module_id: UUID | None = None
    action_name: str | None = None
    input: dict[str, JsonValue]
    deadline: Moment


_REBUILDS = ("chats.rebuilds",)


@contract("agent.snapshot-begun", topic=SNAPSHOTS, audience=internal, readers=_REBUILDS)
class SnapshotBegun(snapshots.Begun):
    """A snapshot of one of the topics of agent begins."""


@contract("agent.aggregate-captured", topic=SNAPSHOTS, audience=internal, readers=_REBUILDS)
class AggregateCaptured(snapshots.Captured):
    """An aggregate of agent as it was when the snapshot was made; `state` is null for one that was deleted."""


@contract("agent.snapshot-ended", topic=SNAPSHOTS, audience=internal, readers=_REBUILDS)
class SnapshotEnded(snapshots.Ended):
    """A snapshot is complete."""
