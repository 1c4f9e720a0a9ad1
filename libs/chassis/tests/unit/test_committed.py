"""Committed offsets are those that the coordinator tells, and none is told by a coordinator that cannot answer yet."""

from typing import Any

import pytest
from aiokafka import errors
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.protocol.commit import OffsetFetchResponse_v3
from aiokafka.structs import TopicPartition

from chassis.kafka import connection

PARTITION = TopicPartition("things", 0)
KNOWN = [("things", [(0, 42, "", 0)])]


class Coordinator(GroupCoordinator):  # type: ignore[misc]  # aiokafka has no types
    """Asks a broker that answers in turn what it is given."""

    def __init__(self, *answers: OffsetFetchResponse_v3) -> None:
        self.group_id = "sample.things"
        self.coordinator_id: int | None = 1
        self._retry_backoff_ms = 1
        self._client = self
        self._answers = list(answers)

    async def send(self, node_id: int, request: Any, *, group: Any) -> OffsetFetchResponse_v3:
        return self._answers.pop(0)

    async def ensure_coordinator_known(self) -> None:
        """Finds it again at once."""
        self.coordinator_id = 1

    def coordinator_dead(self) -> None:
        self.coordinator_id = None


@pytest.mark.parametrize(
    "error",
    [errors.GroupLoadInProgressError, errors.NotCoordinatorForGroupError, errors.GroupCoordinatorNotAvailableError],
)
async def test_a_coordinator_that_cannot_answer_yet_is_asked_again(error: type[errors.KafkaError]) -> None:
    assert connection.READING, "whoever connects has imported this module"
    coordinator = Coordinator(
        OffsetFetchResponse_v3(0, [], error.errno),
        OffsetFetchResponse_v3(0, KNOWN, 0),
    )
    found = await coordinator.fetch_committed_offsets([PARTITION])
    assert found[PARTITION].offset == 42


async def test_another_coordinator_is_looked_for_when_it_says_that_it_is_none() -> None:
    coordinator = Coordinator(OffsetFetchResponse_v3(0, [], errors.NotCoordinatorForGroupError.errno))
    with pytest.raises(errors.NotCoordinatorForGroupError):
        await coordinator._do_fetch_commit_offsets([PARTITION])
    assert coordinator.coordinator_id is None


async def test_a_group_without_committed_offsets_has_none() -> None:
    coordinator = Coordinator(OffsetFetchResponse_v3(0, [("things", [(0, -1, "", 0)])], 0))
    assert await coordinator.fetch_committed_offsets([PARTITION]) == {}
