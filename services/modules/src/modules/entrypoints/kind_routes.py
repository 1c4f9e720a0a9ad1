"""Routes of the kinds of modules."""

from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from chassis.http.constant import Constant
from chassis.http.door import Door, Doors
from chassis.http.pages import Paged
from chassis.http.problems import ProblemError, problems
from chassis.http.routing import Router
from modules.application.ports import Transaction
from modules.application.use_cases import UseCases
from modules.domain.errors import KindNotFound
from modules.entrypoints.schemas import KindBody, Word


def kind_routes(use_cases: UseCases, doors: Doors[Transaction]) -> Router:
    """The routes under `/module-kinds`."""
    router = Router(prefix="/module-kinds", tags=["module kinds"])
    bodies = [KindBody.of(kind) for kind in use_cases.kind_views]
    listed, each = Constant(Paged(items=bodies)), {body.name: Constant(body) for body in bodies}

    @router.get("", response_model=Paged[KindBody])
    async def list_kinds(door: Annotated[Door[Transaction], Depends(doors)]) -> Response:
        """All kinds of modules, by name, with the JSON Schemas of their data and actions."""
        return listed.response(door.request)

    @router.get("/{kind}", response_model=KindBody, responses=problems(KindNotFound))
    async def get_kind(kind: Word, door: Annotated[Door[Transaction], Depends(doors)]) -> Response:
        """One kind of module."""
        if kind not in each:
            raise ProblemError(KindNotFound(kind))
        return each[kind].response(door.request)

    return router
