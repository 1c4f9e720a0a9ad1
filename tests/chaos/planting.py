"""Records that no service has sent, put where services read."""

from collections.abc import Callable
from random import Random

from aiokafka import AIOKafkaProducer

from contracts.auth.topics import MEMBERSHIPS
from contracts.registry import all_topics

from ..poison import PASSED_OVER, POISON, harmed
from ..stack import Stack
from .checker import sequences
from .checker.evidence import readers


async def plant_poison(stack: Stack, random: Random, new_key: Callable[[], str]) -> dict[str, str]:
    """Sends up to six records that are no events, or none that anybody knows; answers the sort of each by position."""
    planted = {}
    async with AIOKafkaProducer(**stack.kafka) as producer:
        for _one in range(random.randint(1, 6)):
            topic = random.choice([one for one in all_topics() if one.name in readers()])
            sort = random.choice(sorted(POISON | PASSED_OVER))
            key = f"{new_key()}-{sequences.PASSED_OVER}" if sort in PASSED_OVER else new_key()
            headers, value = harmed(topic, key.encode(), (POISON | PASSED_OVER)[sort])
            at = await producer.send_and_wait(topic.name, value, key=key.encode(), headers=headers)
            planted[f"{at.topic}/{at.partition}/{at.offset}"] = sort
    return planted


async def plant_in_disorder(stack: Stack, key: str) -> dict[str, str]:
    """Sends the events 2 and 1 of a key to the memberships' readers; both are of a kind that nobody knows."""
    planted, key = dict[str, str](), f"{key}-{sequences.PASSED_OVER}"
    async with AIOKafkaProducer(**stack.kafka) as producer:
        for number in (b"2", b"1"):
            headers, value = harmed(MEMBERSHIPS, key.encode(), PASSED_OVER["an unknown kind"])
            headers = [(name, number if name == "ce_sequence" else text) for name, text in headers]
            at = await producer.send_and_wait(MEMBERSHIPS.name, value, key=key.encode(), headers=headers)
            planted[f"{at.topic}/{at.partition}/{at.offset}"] = f"event {number.decode()}"
    return planted
