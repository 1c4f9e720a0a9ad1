"""Records that no service has sent, put where services read."""

from aiokafka import AIOKafkaProducer

from contracts.auth.topics import MEMBERSHIPS

from ..poison import PASSED_OVER, harmed
from ..stack import Stack


async def plant_in_disorder(stack: Stack, key: str) -> dict[str, str]:
    """Sends the events 2 and 1 of a key to the memberships' readers; both are of a kind that nobody knows."""
    planted = {}
    async with AIOKafkaProducer(**stack.kafka) as producer:
        for number in (b"2", b"1"):
            headers, value = harmed(MEMBERSHIPS, key.encode(), PASSED_OVER["an unknown kind"])
            headers = [(name, number if name == "ce_sequence" else text) for name, text in headers]
            at = await producer.send_and_wait(MEMBERSHIPS.name, value, key=key.encode(), headers=headers)
            planted[f"{at.topic}/{at.partition}/{at.offset}"] = f"event {number.decode()}"
    return planted
