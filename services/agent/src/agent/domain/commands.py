"""Orders that a run gives to the service of modules, and the answers to them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID, uuid5

from agent.domain.journal import JsonValue


class Change(StrEnum):
    """What a command asks for; the words of the wire."""

    CREATE = "create"
    CHANGE = "change"
    ACT = "act"
    DELETE = "delete"


def command_id(run_id: UUID, step: int, index: int) -> UUID:
    """The id of command number `index` (from 0) of journal step `step`: the same again at each replay.

    Never made from the model's own tool-call id, which may repeat within a run.
    """
    return uuid5(run_id, f"{step}.{index}")


@dataclass(frozen=True, slots=True)
class ModuleCommand:
    """One order. `module_id` is None for `create` only; `action_name` is set for `act` only."""

    id: UUID
    change: Change
    kind: str
    module_id: UUID | None = None
    action_name: str | None = None
    input: dict[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Completed:
    """It was done; `module` is the module's public state afterwards."""

    module: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule forbade it: `slug` names the rule, `detail` is a sentence for a person."""

    slug: str
    detail: str


Reply: TypeAlias = Completed | Refused


class Suspend(Exception):
    """The reply is not here yet. The run is released; when the reply has come, a replay goes on from here."""
