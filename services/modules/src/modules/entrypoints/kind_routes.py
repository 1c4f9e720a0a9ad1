"""Routes of the kinds of modules."""

from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from chassis.http.answers import ok
from chassis.http.door import Door, Doors
from chassis.http.pages import Paged
from chassis.http.problems import problems
from chassis.http.routing import Router
from modules.application.ports import Transaction
from modules.application.use_cases import UseCases
from modules.application.views import GetKind, ListKinds
from modules.domain.errors import KindNotFound
from modules.entrypoints.schemas import KindBody, Word


def kind_routes(use_cases: UseCases, doors: Doors[Transaction]) -> Router:
    """The routes under `/module-kinds`."""
    router = Router(prefix="/module-kinds", tags=["module kinds"])

    @router.get("", response_model=Paged[KindBody])
    async def list_kinds(door: Annotated[Door[Transaction], Depends(doors)]) -> Response:
        """All kinds of modules, by name, with the JSON Schemas of their data and actions."""
        return await door.read(
            use_cases.list_kinds, ListKinds(), lambda found: door.listed(found, KindBody.of, sort="name")
        )

    @router.get("/{kind}", response_model=KindBody, responses=problems(KindNotFound))
    async def get_kind(kind: Word, door: Annotated[Door[Transaction], Depends(doors)]) -> Response:
        """One kind of module."""
        return await door.read(use_cases.get_kind, GetKind(kind), lambda found: ok(KindBody.of(found)))

    return router
