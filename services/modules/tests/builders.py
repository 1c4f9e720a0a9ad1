"""Modules as tests need them; what a test does not name is made up."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.core import Actor, Ok, new_id
from chassis.use_case import Context
from contracts.permissions import Role
from modules.application import typed_data
from modules.application.obey_command import ObeyCommand
from modules.domain.kind import Kind
from modules.domain.module import Module
from modules.domain.version import Doer, Version
from modules.kinds.project import KIND as PROJECT

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def a_doer() -> Doer:
    return Doer(Actor.user(new_id()))


def a_new_module(
    kind: Kind[Any] = PROJECT, data: Mapping[str, Any] | None = None, *, org_id: UUID | None = None
) -> tuple[Module, Version]:
    """A module that was just created, with its first version. Without `data`: the kind's example."""
    owner_id = new_id()
    found = typed_data.read(kind.data, data, at="data") if data is not None else Ok(kind.example)
    assert isinstance(found, Ok)
    return Module.create(
        kind,
        found.value,
        module_id=new_id(),
        org_id=org_id or new_id(),
        owner_id=owner_id,
        by=Doer(Actor.user(owner_id)),
        now=NOW,
    )


def a_module(kind: Kind[Any] = PROJECT, data: Mapping[str, Any] | None = None, *, status: str | None = None) -> Module:
    """A module as it was stored, in a status."""
    module, _ = a_new_module(kind, data)
    module.take_recorded()
    module.status = status or module.status
    return module


def a_context(
    *, user_id: UUID | None = None, org_id: UUID | None = None, role: Role | None = Role.EDITOR, agent: bool = False
) -> Context:
    """`agent`: the user acts through an agent's run."""
    actor = Actor.user(user_id or new_id())
    if agent:
        actor = actor.through(new_id(), 1, new_id())
    return Context(actor=actor, org_id=org_id or new_id(), role=role, correlation_id=new_id())


def a_command(verb: str = "create", **given: Any) -> ObeyCommand:
    values: dict[str, Any] = {
        "id": new_id(),
        "run_id": new_id(),
        "verb": verb,
        "kind": "project",
        "module_id": None,
        "action": None,
        "given": {"name": "Summer Tour"} if verb == "create" else {},
        "deadline": NOW + timedelta(seconds=30),
    }
    return ObeyCommand(**{**values, **given})
