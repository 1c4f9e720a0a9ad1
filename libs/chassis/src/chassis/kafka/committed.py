"""A trap of aiokafka: it takes a coordinator that cannot answer yet for one that knows no committed offset.

From version 2 of OffsetFetch on (KIP-88) a broker tells "still loading" or "not the coordinator" by an error of the
whole answer, with no partitions in it. aiokafka 0.14 looks at the errors of partitions only, finds none, and starts at
the beginning of every topic. Here the error is raised, so that it asks again.
"""

from typing import Any

from aiokafka import errors
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.protocol.commit import OffsetFetchRequest

_send = GroupCoordinator._send_req


async def _send_and_check(self: GroupCoordinator, request: Any) -> Any:
    """Raises KafkaError for an answer that is an error as a whole."""
    answer = await _send(self, request)
    code = getattr(answer, "error_code", 0) if isinstance(request, OffsetFetchRequest) else 0
    if code == 0:
        return answer
    error = errors.for_code(code)
    if error is errors.NotCoordinatorForGroupError:
        self.coordinator_dead()
    raise error()


def heed_errors_of_offset_fetches() -> None:
    """For all consumers of this process, whoever makes them."""
    GroupCoordinator._send_req = _send_and_check
