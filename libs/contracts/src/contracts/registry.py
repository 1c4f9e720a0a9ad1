"""All kinds and topics, found in the packages `contracts/<service>/`: nobody keeps a list."""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING

import contracts
from contracts.topics import Topic

if TYPE_CHECKING:
    from contracts.event import Event

_registered: dict[tuple[str, int], "type[Event]"] = {}
_names: set[str] = set()


def register(event: "type[Event]") -> None:
    """Called by the decorator `contract`. Raises ValueError when two classes claim one kind and version."""
    kind, version = event.contract.kind, event.contract.version
    other = _registered.setdefault((kind, version), event)
    if other is not event:
        raise ValueError(f"{kind} v{version} is claimed by both {other.__name__} and {event.__name__}")
    _names.add(kind)


def all_contracts() -> Sequence["type[Event]"]:
    """Every kind and version declared in this library, in order of its name; not those that a test made up."""
    _load_kinds()
    events = (_registered[name] for name in sorted(_registered))
    return tuple(event for event in events if event.__module__.startswith("contracts."))


def find(kind: str, version: int) -> "type[Event] | None":
    """The model of a kind's version, or None."""
    _load_kinds()
    return _registered.get((kind, version))


def known_kind(kind: str) -> bool:
    """Whether any version of the kind is declared."""
    _load_kinds()
    return kind in _names


@cache
def all_topics() -> Sequence[Topic]:
    """Every declared topic, in order of its name; those that carry no kind of their own too."""
    declared = {value for module in _load("topics") for value in vars(module).values() if isinstance(value, Topic)}
    return tuple(sorted(declared, key=lambda topic: topic.name))


@cache
def _load_kinds() -> None:
    _load("v")


def _load(prefix: str) -> list[ModuleType]:
    """Imports `topics` or `v1`, `v2`, … of every service."""
    names = [
        f"contracts.{service.name}.{module.name}"
        for service in iter_modules(contracts.__path__)
        if service.ispkg
        for module in iter_modules([f"{path}/{service.name}" for path in contracts.__path__])
        if module.name.rstrip("0123456789") == prefix
    ]
    return [import_module(name) for name in names]
