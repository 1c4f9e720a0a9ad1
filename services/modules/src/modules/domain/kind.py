"""What a kind of module is: the shape of its data, its statuses, its actions and the rules of both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

D = TypeVar("D")
G = TypeVar("G")


@dataclass(frozen=True)
class Rule(Generic[D]):
    """Something that must hold of a module's status and data.

    `name` is stable, lower-case with hyphens; `reason` is one sentence for the person whose wish was refused.
    """

    name: str
    reason: str
    holds: Callable[[str, D], bool]


def _as_it_was(data: D, _: Any) -> D:
    return data


@dataclass(frozen=True, kw_only=True)
class Action(Generic[D, G]):
    """Something that can be done to a module beside changing its data.

    `moves` tells from which statuses it is possible and to which each leads. `permission` is one of those that roles
    have, e.g. `modules:write`. `input` is the model of what it is given, `example` one such input. `apply` makes the
    data after it.
    """

    name: str
    title: str
    description: str
    permission: str
    moves: Mapping[str, str]
    input: type[G]
    example: G
    rules: tuple[Rule[D], ...] = ()
    apply: Callable[[D, G], D] = _as_it_was


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[D]):
    """A kind of module. `name` is on the wire for ever, like the names of its statuses and actions.

    `data` is the model of its data: frozen objects whose `vars()` are their fields. `name_field` is the field that
    people know a module by. A new module is in `initial`. `rules` hold while its data is changed.
    """

    name: str
    title: str
    description: str
    data: type[D]
    name_field: str
    statuses: tuple[str, ...]
    initial: str
    example: D
    actions: tuple[Action[D, Any], ...] = ()
    rules: tuple[Rule[D], ...] = ()

    def action(self, name: str) -> Action[D, Any] | None:
        return next((action for action in self.actions if action.name == name), None)

    @property
    def action_names(self) -> tuple[str, ...]:
        return tuple(action.name for action in self.actions)
