"""Waiting until everything that was begun has come to its end."""

import asyncio
import time
from collections.abc import Sequence

import asyncpg
from aiokafka.errors import KafkaError

from contracts.audience import internal
from contracts.registry import all_contracts

from ..stack import Stack
from .checker.evidence import FEED, readers
from .checker.streams import Place
from .dumps import connect, ends, lags
from .feeds import FeedClient
from .history import History

LONGEST_S = 60.0

_OPEN = {
    "outbox rows": "SELECT count(*) FROM outbox WHERE sent_at IS NULL",
    "parked events that are tried again": (
        "SELECT count(*) FROM dead_letters WHERE retry_at IS NOT NULL OR deadline IS NOT NULL"
    ),
}
_RUNS = "SELECT count(*) FROM runs WHERE ended_at IS NULL"


async def wait(stack: Stack, history: History) -> float:
    """Seconds until nothing was open any more; the note `quiet` tells them, and what stayed open at the deadline."""
    began = time.monotonic()
    while True:
        still = await _open(stack)
        seconds = round(time.monotonic() - began, 2)
        if not still or seconds > LONGEST_S:
            history.note("runner", "quiet", {"seconds": seconds, "open": still})
            return seconds
        await asyncio.sleep(0.3)


async def feeds_at_end(stack: Stack, history: History, feeds: Sequence[FeedClient]) -> None:
    """Every client of the feed has been sent what stands in it: a heartbeat tells it the end."""
    began = time.monotonic()
    while behind := await _behind(stack, feeds):
        if time.monotonic() - began > LONGEST_S:
            history.note("runner", "quiet", {"seconds": LONGEST_S, "open": {"feeds behind": behind}})
            return
        await asyncio.sleep(0.3)


async def _behind(stack: Stack, feeds: Sequence[FeedClient]) -> list[str]:
    found = {one.partition: end for one, end in (await ends(stack, [FEED])).items()}
    places = {feed.name: Place.of(feed.position) for feed in feeds if feed.position}
    return [
        feed.name
        for feed in feeds
        if feed.name not in places or places[feed.name].offset < found[places[feed.name].partition] - 1
    ]


async def _open(stack: Stack) -> dict[str, int]:
    try:
        found = await lags(stack, _groups())
        for service in stack.plan.services:
            found |= await _open_rows(stack, service)
        return found
    except (KafkaError, OSError, asyncpg.PostgresError) as error:
        return {repr(error): 1}


async def _open_rows(stack: Stack, service: str) -> dict[str, int]:
    connection = await connect(stack, service)
    try:
        queries = {**_OPEN, **({"runs": _RUNS} if service == "agent" else {})}
        counts = {f"{service}: {what}": await connection.fetchval(query) for what, query in queries.items()}
        return {what: count for what, count in counts.items() if count}
    finally:
        await connection.close()


def _groups() -> list[tuple[str, str]]:
    public = {event.contract.topic.name for event in all_contracts() if event.contract.audience is not internal}
    mine = [(consumer, topic) for topic, consumers in readers().items() for consumer in consumers]
    return mine + [("gateway.feed", topic) for topic in public]
