"""What leaves modules: each domain event as the contract event that others read, and the kinds."""

from uuid import UUID

from chassis.core import DomainEvent
from chassis.use_case import Work
from contracts.event import Event
from contracts.modules import v1
from modules.application.views import KindView, ModuleView
from modules.domain import events
from modules.domain.module import Module


def to_contract(module: Module, event: DomainEvent) -> Event:
    """Raises LookupError for an event that nobody outside was told of yet: add it here."""
    state = state_of(ModuleView.of(module), module.org_id)
    match event:
        case events.ModuleCreated(version=version):
            return v1.ModuleCreated(module_id=module.id, kind=state.kind, state=state, tool_call=version.by.tool_call)
        case events.ModuleChanged(version=version):
            return v1.ModuleChanged(
                module_id=module.id,
                kind=state.kind,
                state=state,
                tool_call=version.by.tool_call,
                changed=version.changed,
            )
        case events.ActionApplied(version=version):
            return v1.ActionApplied(
                module_id=module.id,
                kind=state.kind,
                state=state,
                tool_call=version.by.tool_call,
                action=version.action or "",
            )
        case events.ModuleDeleted(version=version):
            return v1.ModuleDeleted(module_id=module.id, kind=state.kind, state=state, tool_call=version.by.tool_call)
    raise LookupError(f"no contract for {type(event).__name__}")


def state_of(module: ModuleView, org_id: UUID) -> v1.ModuleState:
    """A module as events and replies carry it."""
    return v1.ModuleState(
        module_id=module.id,
        organisation_id=org_id,
        kind=module.kind,
        owner_id=module.owner_id,
        status=module.status,
        revision=module.revision,
        name=module.name,
        data=dict(module.data),
        deleted=module.deleted,
    )


class OutboxKinds:
    """Publishes kinds through the outbox, under their names."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def put(self, kind: KindView) -> None:
        actions = tuple(
            v1.KindAction(
                name=action.name,
                title=action.title,
                description=action.description,
                permission=action.permission,
                input_schema=dict(action.input_schema),
            )
            for action in kind.actions
        )
        published = v1.KindPublished(
            kind=kind.name,
            title=kind.title,
            description=kind.description,
            data_schema=dict(kind.data_schema),
            actions=actions,
        )
        self._work.publish_record(published, key=kind.name, org_id=None)
