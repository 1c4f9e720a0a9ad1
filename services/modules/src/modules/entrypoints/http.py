"""Routes of modules."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends, Path, Query
from fastapi.openapi.models import Example
from starlette.responses import Response

from chassis.core import StaleRevision
from chassis.http.answers import Answer, created, no_content, ok
from chassis.http.door import Door, Doors
from chassis.http.failures import IfMatchMalformed, IfMatchRequired
from chassis.http.pages import Paged
from chassis.http.problems import problems
from chassis.http.routing import Router
from chassis.outbox.failures import TooLarge
from modules.application.act_on_module import ActOnModule
from modules.application.change_module import ChangeModule
from modules.application.create_module import CreateModule
from modules.application.delete_module import DeleteModule
from modules.application.ports import Transaction
from modules.application.typed_data import InvalidData
from modules.application.use_cases import UseCases
from modules.application.views import GetModule, KindView, ListModules, ListVersions, ModuleView
from modules.domain.errors import ActionNotFound, KindUnknown, MayNot, ModuleNotFound, RuleBroken
from modules.entrypoints.kind_routes import kind_routes
from modules.entrypoints.schemas import (
    ActBody,
    ChangeModuleBody,
    CreateModuleBody,
    ModuleBody,
    ModulesQuery,
    ModuleSummaryBody,
    VersionBody,
    VersionsQuery,
    Word,
)

ModulesDoor = Door[Transaction]
ModulesDoors = Doors[Transaction]

NEWEST_FIRST = "newest-first"
CHANGES = (ModuleNotFound, MayNot, StaleRevision, IfMatchRequired, IfMatchMalformed)


def routes(use_cases: UseCases, doors: ModulesDoors) -> Sequence[Router]:
    """All routes under `/modules` and `/module-kinds`."""
    router = Router(prefix="/modules", tags=["modules"])
    for add in (_create, _list, _get, _change, _delete, _act, _list_versions):
        add(router, use_cases, doors)
    return [kind_routes(use_cases, doors), router]


def _create(router: Router, use_cases: UseCases, doors: ModulesDoors) -> None:
    refusals = problems(MayNot, KindUnknown, InvalidData, TooLarge)
    examples = Body(openapi_examples={kind.name: _example(kind) for kind in use_cases.kind_views})

    @router.post("", status_code=201, response_model=ModuleBody, responses=refusals)
    async def create_module(
        body: Annotated[CreateModuleBody, examples], door: Annotated[ModulesDoor, Depends(doors)]
    ) -> Response:
        """Creates a module of a kind. You are its owner."""
        return await door.write(
            use_cases.create_module,
            CreateModule(body.kind, body.data),
            lambda module: created(ModuleBody.of(module), at=f"/api/v1/modules/{module.id}", etag=module.revision),
        )


def _list(router: Router, use_cases: UseCases, doors: ModulesDoors) -> None:
    @router.get("", response_model=Paged[ModuleSummaryBody])
    async def list_modules(
        query: Annotated[ModulesQuery, Query()], door: Annotated[ModulesDoor, Depends(doors)]
    ) -> Response:
        """The modules of your organisation without their data, the newest first."""
        page = door.page(query, sort=NEWEST_FIRST)
        return await door.read(
            use_cases.list_modules,
            ListModules(page, query.kind, query.status, query.owner),
            lambda found: door.listed(found, ModuleSummaryBody.of, sort=NEWEST_FIRST),
        )


def _get(router: Router, use_cases: UseCases, doors: ModulesDoors) -> None:
    @router.get("/{module_id}", response_model=ModuleBody, responses=problems(ModuleNotFound))
    async def get_module(module_id: UUID, door: Annotated[ModulesDoor, Depends(doors)]) -> Response:
        """One module with its data."""
        return await door.read(use_cases.get_module, GetModule(module_id), _shown)


def _change(router: Router, use_cases: UseCases, doors: ModulesDoors) -> None:
    refusals = problems(*CHANGES, InvalidData, RuleBroken, TooLarge)

    @router.patch("/{module_id}", response_model=ModuleBody, responses=refusals)
    async def change_module(
        module_id: UUID, body: ChangeModuleBody, door: Annotated[ModulesDoor, Depends(doors)]
    ) -> Response:
        """Changes fields of a module's data by a JSON merge patch."""
        command = ChangeModule(module_id, body.data, door.expected_revision())
        return await door.write(use_cases.change_module, command, _shown)


def _delete(router: Router, use_cases: UseCases, doors: ModulesDoors) -> None:
    @router.delete("/{module_id}", status_code=204, responses=problems(*CHANGES))
    async def delete_module(module_id: UUID, door: Annotated[ModulesDoor, Depends(doors)]) -> Response:
        """Deletes a module. Its history stays."""
        command = DeleteModule(module_id, door.expected_revision())
        return await door.write(use_cases.delete_module, command, lambda _: no_content())


def _act(router: Router, use_cases: UseCases, doors: ModulesDoors) -> None:
    refusals = problems(*CHANGES, ActionNotFound, InvalidData, RuleBroken, TooLarge)

    @router.post("/{module_id}/actions/{action}", response_model=ModuleBody, responses=refusals)
    async def act_on_module(
        module_id: UUID,
        action: Annotated[Word, Path(examples=["start"])],
        body: ActBody,
        door: Annotated[ModulesDoor, Depends(doors)],
    ) -> Response:
        """Applies an action of its kind to a module. A refused one says which rule stands against it."""
        command = ActOnModule(module_id, action, body.input, door.expected_revision())
        return await door.write(use_cases.act_on_module, command, _shown)


def _list_versions(router: Router, use_cases: UseCases, doors: ModulesDoors) -> None:
    @router.get("/{module_id}/versions", response_model=Paged[VersionBody], responses=problems(ModuleNotFound))
    async def list_versions(
        module_id: UUID, query: Annotated[VersionsQuery, Query()], door: Annotated[ModulesDoor, Depends(doors)]
    ) -> Response:
        """The history of a module, the newest first, also of a deleted one: who did what, and how it was then."""
        return await door.read(
            use_cases.list_versions,
            ListVersions(module_id, door.page(query, sort=NEWEST_FIRST)),
            lambda found: door.listed(found, VersionBody.of, sort=NEWEST_FIRST),
        )


def _example(kind: KindView) -> Example:
    return {"summary": f"A {kind.name}", "value": {"kind": kind.name, "data": dict(kind.example)}}


def _shown(module: ModuleView) -> Answer:
    return ok(ModuleBody.of(module), etag=module.revision)
