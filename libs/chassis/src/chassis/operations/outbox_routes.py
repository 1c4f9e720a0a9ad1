"""The outbox over HTTP, for operators."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from chassis.core import Err
from chassis.http.answers import Rendered, accepted
from chassis.http.problems import ProblemError, problems
from chassis.http.routing import Router
from chassis.kafka.connection import Kafka
from chassis.operations.operator import Operator, Operators, OperatorsOnly
from chassis.operations.outbox import OutboxStatus, replay_lost_broker, replay_since, status
from chassis.operations.outbox_failures import BrokerAway, BrokerNotLost, ReplayUnderWay, TopicsMissing
from chassis.operations.schemas import strict


class UnsentBody(BaseModel):
    """Beyond 10,000 rows an estimate."""

    model_config = ConfigDict(from_attributes=True)

    rows: int
    bytes: int
    oldest_s: float = Field(description="Age of the oldest in seconds; 0 when none waits")


class HeldRowBody(BaseModel):
    """A message that the broker refused for good. Those of its key wait behind it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    topic: str
    key: str
    error: str


class SenderBody(BaseModel):
    """The session that sends, or replays, at the moment."""

    model_config = ConfigDict(from_attributes=True)

    application: str = Field(examples=["chats.relay"])
    pid: int
    address: str | None
    since: datetime


class OutboxBody(BaseModel):
    """`new` waits to be sent for the first time, `again` after a replay; `held`: the first hundred."""

    model_config = ConfigDict(from_attributes=True)

    new: UnsentBody
    again: UnsentBody
    held: list[HeldRowBody]
    sender: SenderBody | None
    cluster_id: str | None


def _as_text(value: object) -> object:
    """pydantic would take a number for seconds since 1970, and so the whole outbox for what was meant."""
    if not isinstance(value, str):
        raise PydanticCustomError("datetime-type", "expected a date and time as text (RFC 3339)")
    return value


class ReplayBody(BaseModel):
    """All that was sent since a time, or all that is kept for a broker that lost its data."""

    model_config = strict(since="2026-05-04T12:00:00Z")

    since: Annotated[AwareDatetime, BeforeValidator(_as_text)] | None = None
    lost_broker: Literal[True] | None = None

    @model_validator(mode="after")
    def _is_one_choice(self) -> "ReplayBody":
        if (self.since is None) == (self.lost_broker is None):
            raise PydanticCustomError("one-choice", "give since, or lost_broker")
        return self


class ReplayedBody(BaseModel):
    """How many messages are sent again."""

    rows: int


def outbox_routes(router: Router, operators: Operators, kafka: Kafka) -> None:
    """Adds them to the operators' router of a service."""
    _get(router, operators)
    _replay(router, operators, kafka)


def _get(router: Router, operators: Operators) -> None:
    @router.get("/outbox", response_model=OutboxBody, responses=problems(OperatorsOnly))
    async def outbox(operator: Annotated[Operator, Depends(operators)]) -> OutboxStatus:
        """What waits to be sent, what is held, who sends, and to which broker."""
        async with operator.connection() as connection:
            return await status(connection)


def _replay(router: Router, operators: Operators, kafka: Kafka) -> None:
    refusals = problems(OperatorsOnly, BrokerNotLost, TopicsMissing, ReplayUnderWay, BrokerAway)

    @router.post("/outbox/replay", status_code=202, response_model=ReplayedBody, responses=refusals)
    async def replay_outbox(body: ReplayBody, operator: Annotated[Operator, Depends(operators)]) -> Response:
        """Sends messages again, in their order; readers drop what they have seen.

        `lost_broker`: for a broker that came back without its data; until then nothing is sent to it.
        """

        async def work(connection: Any) -> Mapping[str, Any]:
            if body.since is not None:
                done = await replay_since(connection, body.since)
            else:
                done = await replay_lost_broker(connection, kafka)
            if isinstance(done, Err):
                raise ProblemError(done.failure)
            return done.value

        outcome = await operator.act("outbox.replay", body.model_dump(mode="json", exclude_none=True), work)
        return Rendered.of(accepted(ReplayedBody(rows=outcome["rows"]))).response()
