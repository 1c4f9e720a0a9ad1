"""The consumers of a service over HTTP, for operators."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from aiokafka.errors import KafkaError
from fastapi import Depends
from pydantic import BaseModel

from chassis.core import Failure, Kind
from chassis.http.problems import ProblemError, problems
from chassis.http.routing import Router
from chassis.kafka.connection import Kafka
from chassis.operations.consumers import ConsumerState, consumer_states
from chassis.operations.operator import Operator, Operators, OperatorsOnly


@dataclass(frozen=True)
class BrokerIsAway(Failure):
    slug = "broker-is-away"
    kind = Kind.UNAVAILABLE
    title = "Kafka does not answer"


class PartitionBody(BaseModel):
    """A consumer in one partition. `last_movement`: when it committed last, null before that."""

    topic: str
    partition: int
    committed: int | None
    end: int
    lag: int
    last_movement: datetime | None
    stuck: bool
    member: str | None


class ConsumerBody(BaseModel):
    """A consumer. `waiting_for_person`: parked keys that are not tried again by themselves."""

    name: str
    lag: int
    stuck: bool
    parked_keys: int
    dead_letters: int
    waiting_for_person: int
    partitions: list[PartitionBody]

    @classmethod
    def of(cls, state: ConsumerState) -> "ConsumerBody":
        return cls(
            name=state.name,
            lag=state.lag,
            stuck=state.stuck,
            parked_keys=state.parked.keys,
            dead_letters=state.parked.letters,
            waiting_for_person=state.parked.resting,
            partitions=[
                PartitionBody(
                    topic=one.topic,
                    partition=one.partition,
                    committed=one.committed,
                    end=one.end,
                    lag=one.lag,
                    last_movement=one.moved_at,
                    stuck=one.stands,
                    member=state.members.get((one.topic, one.partition)),
                )
                for one in state.positions
            ],
        )


class ConsumersBody(BaseModel):
    """All consumers of a service. They are few, so there are no pages."""

    items: list[ConsumerBody]


def consumers_routes(router: Router, operators: Operators, kafka: Kafka, service: str) -> None:
    """Adds them to the operators' router of a service."""

    @router.get("/consumers", response_model=ConsumersBody, responses=problems(OperatorsOnly, BrokerIsAway))
    async def consumers(operator: Annotated[Operator, Depends(operators)]) -> ConsumersBody:
        """How far each consumer is, what it has parked, and whether it stands still, whichever process runs it."""
        try:
            async with operator.connection() as connection:
                states = await consumer_states(kafka, service, connection)
        except (KafkaError, TimeoutError):
            raise ProblemError(BrokerIsAway()) from None
        return ConsumersBody(items=[ConsumerBody.of(state) for state in states])
