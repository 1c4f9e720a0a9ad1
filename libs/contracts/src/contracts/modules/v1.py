"""Version 1 of what modules publishes."""

from uuid import UUID

from pydantic import JsonValue

from contracts.audience import internal, to_org
from contracts.event import Event, Ordinal, Part, contract
from contracts.modules.topics import KINDS, MODULES, REPLIES, SNAPSHOTS
from contracts.snapshots import v1 as snapshots


class KindAction(Part):
    """An action of a kind, with the JSON Schema of its input and the permission it needs."""

    name: str
    title: str
    description: str
    permission: str
    input_schema: dict[str, JsonValue]


class ModuleState(Part):
    """A module after the event. `revision` counts changes of what GET shows."""

    module_id: UUID
    organisation_id: UUID
    kind: str
    owner_id: UUID
    status: str
    revision: Ordinal
    name: str
    data: dict[str, JsonValue]
    deleted: bool


@contract("modules.kind-published", topic=KINDS, audience=internal, readers=("agent.kinds",))
class KindPublished(Event):
    """A kind as this release of modules knows it; published at each start."""

    kind: str
    title: str
    description: str
    data_schema: dict[str, JsonValue]
    actions: tuple[KindAction, ...]


class _ModuleEvent(Event):
    module_id: UUID
    kind: str
    state: ModuleState
    tool_call: UUID | None = None
    """The command's id, where an agent's tool call did it."""


@contract("modules.module-created", topic=MODULES, audience=to_org, readers=("agent.modules",))
class ModuleCreated(_ModuleEvent):
    """There is a new module."""


@contract("modules.module-changed", topic=MODULES, audience=to_org, readers=("agent.modules",))
class ModuleChanged(_ModuleEvent):
    """Fields of a module have new values; `changed` names them."""

    changed: tuple[str, ...]


@contract("modules.module-deleted", topic=MODULES, audience=to_org, readers=("agent.modules",))
class ModuleDeleted(_ModuleEvent):
    """A module lies in the trash."""


@contract("modules.action-applied", topic=MODULES, audience=to_org, readers=("agent.modules",))
class ActionApplied(_ModuleEvent):
    """An action of its kind was applied to a module."""

    action: str


@contract("modules.command-completed", topic=REPLIES, audience=internal, readers=("agent.replies",))
class CommandCompleted(Event):
    """A command had its effect; a repeat of the command gets the same reply."""

    command_id: UUID
    run_id: UUID
    module: ModuleState


@contract("modules.command-refused", topic=REPLIES, audience=internal, readers=("agent.replies",))
class CommandRefused(Event):
    """A command was refused for good; `slug` is the problem's, `detail` says why in words."""

    command_id: UUID
    run_id: UUID
    slug: str
    detail: str


_REBUILDS = ("agent.rebuilds",)


@contract("modules.snapshot-begun", topic=SNAPSHOTS, audience=internal, readers=_REBUILDS)
class SnapshotBegun(snapshots.Begun):
    """A snapshot of one of the topics of modules begins."""


@contract("modules.aggregate-captured", topic=SNAPSHOTS, audience=internal, readers=_REBUILDS)
class AggregateCaptured(snapshots.Captured):
    """An aggregate of modules as it was when the snapshot was made; `state` is null for one that was deleted."""


@contract("modules.snapshot-ended", topic=SNAPSHOTS, audience=internal, readers=_REBUILDS)
class SnapshotEnded(snapshots.Ended):
    """A snapshot is complete."""
