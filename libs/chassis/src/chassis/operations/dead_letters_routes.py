"""Dead letters over HTTP, for operators."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path, Query
from starlette.responses import Response

from chassis.core import Err, Result
from chassis.http.answers import Rendered, accepted, ok
from chassis.http.pages import Cursors, Paged, list_scope
from chassis.http.problems import ProblemError, problems
from chassis.http.routing import Router
from chassis.operations.dead_letters import Discarded, discard, listed, opened, redrive
from chassis.operations.dead_letters_failures import CommandIsAnswered, NoDeadLetter, NotItsTurn
from chassis.operations.operator import Operator, Operators, OperatorsOnly
from chassis.operations.schemas import (
    LARGEST_ID,
    DeadLetterBody,
    DeadLettersQuery,
    DiscardBody,
    DiscardedBody,
    OpenedBody,
    RedriveBody,
    RedrivenBody,
)
from chassis.paging import Page

V = TypeVar("V")

Number = Annotated[int, Path(alias="dead_letter_id", ge=1, le=LARGEST_ID)]


def dead_letters_routes(router: Router, operators: Operators, cursors: Cursors) -> None:
    """Adds them to the operators' router of a service."""
    _list(router, operators, cursors)
    for add in (_get, _redrive, _discard):
        add(router, operators)


def _list(router: Router, operators: Operators, cursors: Cursors) -> None:
    @router.get("/dead-letters", response_model=Paged[DeadLetterBody], responses=problems(OperatorsOnly))
    async def dead_letters(
        query: Annotated[DeadLettersQuery, Query()], operator: Annotated[Operator, Depends(operators)]
    ) -> Response:
        """Events that could not be applied, of all organisations, the oldest first."""
        scope = list_scope("operators", "id", operator.request.scope)
        page = Page(query.limit, cursors.open(query.cursor, scope) if query.cursor is not None else None)
        async with operator.connection() as connection:
            found = await listed(connection, query.choice, page)
        cursor = cursors.seal(found.end, scope) if found.end is not None else None
        body = Paged[DeadLetterBody](items=[DeadLetterBody.of(letter) for letter in found.items], next_cursor=cursor)
        return Rendered.of(ok(body)).response()


def _get(router: Router, operators: Operators) -> None:
    @router.get(
        "/dead-letters/{dead_letter_id}", response_model=OpenedBody, responses=problems(OperatorsOnly, NoDeadLetter)
    )
    async def dead_letter(number: Number, operator: Annotated[Operator, Depends(operators)]) -> OpenedBody:
        """One of them, with its headers and bytes, and what waits behind it."""
        async with operator.connection() as connection:
            return OpenedBody.showing(_value(await opened(connection, number)))


def _redrive(router: Router, operators: Operators) -> None:
    refusals = problems(OperatorsOnly, NoDeadLetter, CommandIsAnswered)

    @router.post("/dead-letters/redrive", status_code=202, response_model=RedrivenBody, responses=refusals)
    async def redrive_dead_letters(body: RedriveBody, operator: Annotated[Operator, Depends(operators)]) -> Response:
        """Tries again: the first event of each chosen key now, and by itself what waits behind it, in order.

        Redriven twice, an event still has one effect. Commands are left out.
        """

        async def work(connection: Any) -> Mapping[str, Any]:
            return {"ids": _value(await redrive(connection, body.choice))}

        done = await operator.act("dead-letters.redrive", body.choice.given, work)
        return Rendered.of(accepted(RedrivenBody(ids=done["ids"]))).response()


def _discard(router: Router, operators: Operators) -> None:
    refusals = problems(OperatorsOnly, NoDeadLetter, CommandIsAnswered, NotItsTurn)

    @router.post("/dead-letters/{dead_letter_id}/discard", response_model=DiscardedBody, responses=refusals)
    async def discard_dead_letter(
        number: Number, body: DiscardBody, operator: Annotated[Operator, Depends(operators)]
    ) -> DiscardedBody:
        """Gives an event up for good: it is never applied, and what waits behind it is tried now.

        Only the next event of its key can be discarded. There is no way back.
        """
        done: list[Discarded] = []

        async def work(connection: Any) -> Mapping[str, Any]:
            done.append(_value(await discard(connection, number)))
            return done[0].outcome

        await operator.act("dead-letters.discard", {"id": number}, work, reason=body.reason)
        return DiscardedBody.of(done[0])


def _value(result: Result[V]) -> V:
    """Raises ProblemError for a refusal, which ends the transaction without a trace."""
    if isinstance(result, Err):
        raise ProblemError(result.failure)
    return result.value
