"""The state of a service's consumers, as broker and database tell it: the same at any replica, and in a shell."""

import asyncio
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from chassis.kafka.connection import Kafka
from chassis.kafka.lag import Position, positions
from chassis.kafka.resting import Parked, parked

_ANSWER_S = 10.0


@dataclass(frozen=True, slots=True)
class ConsumerState:
    """One consumer. `members`: who reads, by Kafka's name of the partition; empty when no process runs."""

    name: str
    positions: list[Position]
    members: dict[tuple[str, int], str]
    parked: Parked

    @property
    def lag(self) -> int:
        """Records beyond the committed offsets, in all partitions."""
        return sum(position.lag for position in self.positions)

    @property
    def stuck(self) -> bool:
        """Whether records have waited for a minute in a partition in which nothing moved meanwhile."""
        return any(position.stands for position in self.positions)


async def consumer_states(kafka: Kafka, service: str, connection: Any) -> list[ConsumerState]:
    """Every consumer of a service that has read something or reads now, by name. `connection` is asyncpg's.

    Raises KafkaError or TimeoutError while the broker is away.
    """
    members = await _members(kafka, f"{kafka.namespace}{service}.")
    waiting = await parked(connection)
    names = sorted(members.keys() | waiting.keys())
    places = await positions(kafka, {name: members.get(name, {}) for name in names})
    found = []
    for name in names:
        read = members.get(name, {})
        named = {(kafka.contract_topic(one.topic), one.partition): member for one, member in read.items()}
        found.append(ConsumerState(name, places[name], named, waiting.get(name, Parked())))
    return found


async def _members(kafka: Kafka, prefix: str) -> dict[str, dict[TopicPartition, str]]:
    """Who reads which partition, for each group below a prefix."""
    admin = kafka.admin()
    async with asyncio.timeout(_ANSWER_S):
        await admin.start()
        try:
            groups = [group[0] for group in await admin.list_consumer_groups() if group[0].startswith(prefix)]
            # One by one: aiokafka 0.14 cannot read an answer about several groups.
            answers = [answer for group in groups for answer in await admin.describe_consumer_groups([group])]
        finally:
            await admin.close()
    described = {group[1]: group[5] for answer in answers for group in answer.groups}
    return {name.removeprefix(kafka.namespace): _assigned(described.get(name, ())) for name in groups}


def _assigned(members: Any) -> dict[TopicPartition, str]:
    """From DescribeGroups: member id, client id, host, metadata, assignment."""
    found = {}
    for member_id, _, host, _, assignment, *_ in members:
        if not assignment:
            continue
        for topic, numbers in ConsumerProtocolMemberAssignment.decode(assignment).assignment:
            found.update({TopicPartition(topic, number): f"{member_id} {host}" for number in numbers})
    return found
