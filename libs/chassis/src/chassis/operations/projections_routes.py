"""Projections over HTTP, for operators."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from chassis.core import Err
from chassis.http.answers import Rendered, accepted
from chassis.http.pages import Paged
from chassis.http.problems import ProblemError, problems
from chassis.http.routing import Router
from chassis.kafka.connection import Kafka
from chassis.kafka.consumer import Consumer
from chassis.operations.operator import Operator, Operators, OperatorsOnly
from chassis.operations.projections import NoProjection, NoRebuild, OnlySeeds, Projections, rebuild
from chassis.operations.schemas import LONGEST_NAME
from chassis.snapshots.rebuilds import Mode, Rebuild

ConsumerName = Annotated[str, Path(max_length=LONGEST_NAME, examples=["chats.memberships"])]


class RebuildBody(BaseModel):
    """A rebuild, check or seed. `applied`, `newer`, `lagging` count aggregates, `differing` counts rows.

    `newer`: left alone, the consumer is past them. `lagging`: the consumer has not read so far. `differing`: rows that
    were not what they should be, or that stand for nothing; a rebuild has mended them. Their first hundred keys are
    named.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    consumer: str
    topic: str
    mode: Mode
    status: Literal["asked", "running", "done", "failed"]
    asked_at: datetime
    ended_at: datetime | None
    items: int
    applied: int
    newer: int
    lagging: int
    differing: int
    differing_keys: list[str]
    error: str | None = Field(description="Why it ended without its effect")


class ProjectionBody(BaseModel):
    """What a consumer keeps. `table` and `rows` are null for one that only seeds, `lag` while the broker is away."""

    model_config = ConfigDict(from_attributes=True)

    consumer: str
    topic: str
    table: str | None
    rows: int | None
    lag: int | None
    last: RebuildBody | None


def projections_routes(router: Router, operators: Operators, kafka: Kafka, consumers: Sequence[Consumer[Any]]) -> None:
    """Adds them to the operators' router of a service."""
    projections = Projections.of(consumers)
    _list(router, operators, projections, kafka)
    _get(router, operators)
    for mode in Mode:
        _ask(router, operators, projections, mode)


def _list(router: Router, operators: Operators, projections: Projections, kafka: Kafka) -> None:
    @router.get("/projections", response_model=Paged[ProjectionBody], responses=problems(OperatorsOnly))
    async def list_projections(operator: Annotated[Operator, Depends(operators)]) -> Paged[ProjectionBody]:
        """What this service keeps of others: how much, how far behind, and when it was rebuilt last."""
        async with operator.connection() as connection:
            found = await projections.listed(connection, kafka)
        return Paged[ProjectionBody](items=[ProjectionBody.model_validate(one) for one in found])


def _get(router: Router, operators: Operators) -> None:
    @router.get(
        "/projections/rebuilds/{rebuild_id}", response_model=RebuildBody, responses=problems(OperatorsOnly, NoRebuild)
    )
    async def get_rebuild(rebuild_id: UUID, operator: Annotated[Operator, Depends(operators)]) -> RebuildBody:
        """How far a rebuild, check or seed has come, or how it has ended."""
        async with operator.connection() as connection:
            found = await rebuild(connection, rebuild_id)
        if isinstance(found, Err):
            raise ProblemError(found.failure)
        return RebuildBody.model_validate(found.value)


_DOES = {
    Mode.REBUILD: """Makes every row anew from its owner's snapshot, and removes those that stand for nothing.

    The service answers all the while. One of the same consumer that has not ended gives way.
    """,
    Mode.CHECK: """Compares every row with its owner's snapshot and changes nothing.

    Only where the consumer has read just as far; the result says how many were compared, newer and lagging.
    """,
    Mode.SEED: """Lets a new consumer begin where the owner stands, for aggregates whose first events are not kept.

    Those that it has met are left alone. What happened to the others before has no effect here.
    """,
}


def _ask(router: Router, operators: Operators, projections: Projections, mode: Mode) -> None:
    @router.post(
        f"/projections/{{consumer}}/{mode}",
        name=f"{mode} projection",
        description=_DOES[mode],
        status_code=202,
        response_model=RebuildBody,
        responses=problems(OperatorsOnly, NoProjection, *([] if mode is Mode.SEED else [OnlySeeds])),
    )
    async def ask(consumer: ConsumerName, operator: Annotated[Operator, Depends(operators)]) -> Response:
        asked: list[Rebuild] = []

        async def work(connection: Any) -> Mapping[str, Any]:
            wished = await projections.ask(connection, consumer, mode)
            if isinstance(wished, Err):
                raise ProblemError(wished.failure)
            noted = await rebuild(connection, wished.value)
            if isinstance(noted, Err):
                raise ProblemError(noted.failure)
            asked.append(noted.value)
            return {"id": str(wished.value)}

        await operator.act(f"projections.{mode}", {"consumer": consumer}, work)
        return Rendered.of(accepted(RebuildBody.model_validate(asked[0]))).response()
