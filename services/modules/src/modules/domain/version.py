"""The history of a module: one version for each change, with who made it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chassis.core import Actor


class What(StrEnum):
    """What made the version."""

    CREATED = "created"
    CHANGED = "changed"
    ACTION_APPLIED = "action-applied"
    DELETED = "deleted"


@dataclass(frozen=True)
class Doer:
    """Who did it: a user, perhaps through an agent's run; then `tool_call` is the id of the command it gave."""

    actor: Actor
    tool_call: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Version:
    """A module as it was after one change. `number` is its revision then; `changed` names fields of the data."""

    module_id: UUID
    org_id: UUID
    number: int
    what: What
    action: str | None
    changed: tuple[str, ...]
    by: Doer
    at: datetime
    name: str
    status: str
    data: Any
