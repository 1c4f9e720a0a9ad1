"""What happens to modules."""

from dataclasses import dataclass

from chassis.core import DomainEvent
from modules.domain.version import Version


@dataclass(frozen=True)
class ModuleEvent(DomainEvent):
    """Something happened to a module; `version` is what it made."""

    version: Version


@dataclass(frozen=True)
class ModuleCreated(ModuleEvent):
    """There is a new module."""


@dataclass(frozen=True)
class ModuleChanged(ModuleEvent):
    """Fields of its data have new values."""


@dataclass(frozen=True)
class ActionApplied(ModuleEvent):
    """An action of its kind was applied."""


@dataclass(frozen=True)
class ModuleDeleted(ModuleEvent):
    """It is gone; its history stays."""
