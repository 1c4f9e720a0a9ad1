"""The module: a typed object of an organisation, that changes by the rules of its kind."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.core import Aggregate, Err, Ok, Result
from modules.domain.errors import RuleBroken
from modules.domain.events import ActionApplied, ModuleChanged, ModuleCreated, ModuleDeleted, ModuleEvent
from modules.domain.kind import Action, Kind, Rule
from modules.domain.version import Doer, Version, What

_EVENTS: dict[What, type[ModuleEvent]] = {
    What.CREATED: ModuleCreated,
    What.CHANGED: ModuleChanged,
    What.ACTION_APPLIED: ActionApplied,
    What.DELETED: ModuleDeleted,
}


@dataclass(kw_only=True)
class Module(Aggregate):
    """`data` is an object of its kind's data model. A deleted module stays as a tombstone and does not change."""

    org_id: UUID
    kind: Kind[Any]
    owner_id: UUID
    status: str
    data: Any
    created_at: datetime
    changed_at: datetime
    deleted: bool = False

    @classmethod
    def create(
        cls, kind: Kind[Any], data: Any, *, module_id: UUID, org_id: UUID, owner_id: UUID, by: Doer, now: datetime
    ) -> tuple["Module", Version]:
        """A new module and its first version."""
        module = cls(
            id=module_id,
            org_id=org_id,
            kind=kind,
            owner_id=owner_id,
            status=kind.initial,
            data=data,
            created_at=now,
            changed_at=now,
        )
        return module, module._note(What.CREATED, by, now, changed=tuple(vars(data)))

    @property
    def name(self) -> str:
        """What people know it by."""
        return str(getattr(self.data, self.kind.name_field))

    def change(self, data: Any, *, by: Doer, now: datetime) -> Result[Version | None]:
        """Puts `data` in the place of what it holds; None when that is the same. Refused: RuleBroken."""
        refused = self._check(self.kind.rules)
        if refused is not None:
            return refused
        changed = self._put(data)
        return Ok(self._note(What.CHANGED, by, now, changed=changed) if changed else None)

    def act(self, action: Action[Any, Any], given: Any, *, by: Doer, now: datetime) -> Result[Version]:
        """Applies an action of its kind to it. Refused: RuleBroken."""
        if self.status not in action.moves:
            return Err(RuleBroken("status", self._not_from_here(action)))
        refused = self._check(action.rules)
        if refused is not None:
            return refused
        changed = self._put(action.apply(self.data, given))
        self.status = action.moves[self.status]
        return Ok(self._note(What.ACTION_APPLIED, by, now, changed=changed, action=action.name))

    def delete(self, *, by: Doer, now: datetime) -> Version:
        """Makes it a tombstone. Its data stays for the history."""
        self.deleted = True
        return self._note(What.DELETED, by, now)

    def _put(self, data: Any) -> tuple[str, ...]:
        """Takes new data and names the fields that it changes."""
        before, self.data = vars(self.data), data
        return tuple(name for name, value in vars(data).items() if before[name] != value)

    def _check(self, rules: Iterable[Rule[Any]]) -> Err | None:
        broken = next((rule for rule in rules if not rule.holds(self.status, self.data)), None)
        return Err(RuleBroken(broken.name, broken.reason)) if broken is not None else None

    def _not_from_here(self, action: Action[Any, Any]) -> str:
        wanted = " or ".join(action.moves)
        return f"{action.title}: the {self.kind.name} must be {wanted}, and it is {self.status}."

    def _note(
        self,
        what: What,
        by: Doer,
        now: datetime,
        *,
        changed: tuple[str, ...] = (),
        action: str | None = None,
    ) -> Version:
        self.changed_at = now
        version = Version(
            module_id=self.id,
            org_id=self.org_id,
            number=self.revision + 1,
            what=what,
            action=action,
            changed=changed,
            by=by,
            at=now,
            name=self.name,
            status=self.status,
            data=self.data,
        )
        self.record(_EVENTS[what](version))
        return version
