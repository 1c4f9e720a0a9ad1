"""What modules refuses."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from chassis.core import Failure, Kind


@dataclass(frozen=True)
class ModuleNotFound(Failure):
    module_id: UUID
    slug: ClassVar[str] = "module-not-found"
    kind: ClassVar[Kind] = Kind.NOT_FOUND
    title: ClassVar[str] = "There is no such module"

    @property
    def detail(self) -> str:
        return f"There is no module {self.module_id} in this organisation."


@dataclass(frozen=True)
class KindNotFound(Failure):
    name: str
    slug: ClassVar[str] = "module-kind-not-found"
    kind: ClassVar[Kind] = Kind.NOT_FOUND
    title: ClassVar[str] = "There is no such kind of module"

    @property
    def detail(self) -> str:
        return f"There is no kind of module called {self.name}."


@dataclass(frozen=True)
class KindUnknown(Failure):
    name: str
    known: tuple[str, ...]
    slug: ClassVar[str] = "module-kind-unknown"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "A module needs a kind that there is"
    field: ClassVar[str] = "/kind"

    @property
    def detail(self) -> str:
        return f"There is no kind of module called {self.name}; there are {', '.join(self.known)}."


@dataclass(frozen=True)
class ActionNotFound(Failure):
    name: str
    module_kind: str
    known: tuple[str, ...]
    slug: ClassVar[str] = "module-action-not-found"
    kind: ClassVar[Kind] = Kind.NOT_FOUND
    title: ClassVar[str] = "The module's kind has no such action"

    @property
    def detail(self) -> str:
        return f"A {self.module_kind} has no action {self.name}; it has {', '.join(self.known) or 'none'}."


@dataclass(frozen=True)
class MayNot(Failure):
    permission: str
    slug: ClassVar[str] = "may-not-write-modules"
    kind: ClassVar[Kind] = Kind.FORBIDDEN
    title: ClassVar[str] = "Your role does not allow this on modules"

    @property
    def detail(self) -> str:
        return f"Your role lacks the permission {self.permission}."


@dataclass(frozen=True)
class RuleBroken(Failure):
    """A rule of the module's kind stands against it. `rule` is the rule's stable name."""

    rule: str
    reason: str
    slug: ClassVar[str] = "rule-broken"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "A rule of the module's kind does not allow this"

    @property
    def detail(self) -> str:
        return f"{self.reason} (rule {self.rule})"


@dataclass(frozen=True)
class NotAMember(Failure):
    slug: ClassVar[str] = "not-a-member"
    kind: ClassVar[Kind] = Kind.FORBIDDEN
    title: ClassVar[str] = "Only members of the organisation may do this"


@dataclass(frozen=True)
class WrongKind(Failure):
    """A command names another kind than its module has."""

    named: str
    found: str
    slug: ClassVar[str] = "wrong-module-kind"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The module is of another kind"

    @property
    def detail(self) -> str:
        return f"The module is a {self.found}, not a {self.named}."


@dataclass(frozen=True)
class CommandIncomplete(Failure):
    missing: str
    slug: ClassVar[str] = "command-incomplete"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "The command lacks something"

    @property
    def detail(self) -> str:
        return f"The command lacks {self.missing}."
