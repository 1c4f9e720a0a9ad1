"""Waiting until everything that was begun has come to its end."""

import asyncio
import time
from collections.abc import Mapping, Sequence

import asyncpg
import httpx
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from contracts.audience import internal
from contracts.registry import all_contracts

from ..stack import Stack
from .checker.evidence import FEED, readers
from .checker.streams import Place
from .clients import Account
from .dumps import connect, ends, lags
from .feeds import FeedClient
from .history import History

LONGEST_S = 300.0
STANDSTILL_S = 45.0
"""Longer than a run waits before it sends a command again."""
FEEDS_S = 60.0
REVOKED_WITHIN_S = 2.0

READS = {
    "auth": "/api/v1/auth/me",
    "modules": "/api/v1/modules",
    "chats": "/api/v1/chats",
    "agent": "/api/v1/runs",
    "gateway": "/api/v1/events",
}
"""By process, a route that only somebody who is signed in may read."""

_OPEN = {
    "outbox rows": "SELECT count(*) FROM outbox WHERE sent_at IS NULL",
    "parked events that are tried again": (
        "SELECT count(*) FROM dead_letters WHERE retry_at IS NOT NULL OR deadline IS NOT NULL"
    ),
}
_RUNS = "SELECT count(*) FROM runs WHERE ended_at IS NULL"


async def wait(stack: Stack, history: History) -> float:
    """Seconds until nothing was open any more; the note `quiet` tells them, and when all had been read that stood on
    the topics at the beginning: runs that are still driven write more meanwhile. Goes on past the time that is allowed
    while something still moves, since a system at work cannot be judged; then the note tells what stays open."""
    began = moved = time.monotonic()
    before: dict[str, int] = {}
    stood, caught_up = await ends(stack), LONGEST_S
    while True:
        still, now = await _open(stack), time.monotonic()
        seconds = round(now - began, 2)
        moved = now if still != before else moved
        if caught_up == LONGEST_S and await _has_read(stack, stood):
            caught_up = seconds
        if not still or now - moved > STANDSTILL_S or seconds > LONGEST_S:
            history.note("runner", "quiet", {"seconds": seconds, "caught_up": caught_up, "open": still})
            return seconds
        before = still
        history.note("runner", "still-open", {"seconds": seconds, "open": still})
        await asyncio.sleep(0.3)


async def _has_read(stack: Stack, stood: Mapping[TopicPartition, int]) -> bool:
    try:
        return not await lags(stack, _groups(), stood)
    except (KafkaError, OSError):
        return False


async def revoked_everywhere(stack: Stack, history: History, accounts: Sequence[Account]) -> None:
    """Every process is asked, by itself, with every token of a session that has ended: the notes tell its answers."""
    async with httpx.AsyncClient(timeout=5) as http:
        for process, url in stack.urls.items():
            for account in accounts:
                for token in account.revoked:
                    status = await _until_refused(http, url + READS[process], token)
                    history.note("runner", "revoked", {"service": process, "user": account.id, "status": status})


async def _until_refused(http: httpx.AsyncClient, url: str, token: str) -> int:
    began = time.monotonic()
    while True:
        # Only the status is awaited: a live feed that is not refused would go on for ever.
        async with http.stream("GET", url, headers={"Authorization": token}) as answer:
            status = answer.status_code
        if status == 401 or time.monotonic() - began > REVOKED_WITHIN_S:
            return status
        await asyncio.sleep(0.1)


async def feeds_at_end(stack: Stack, history: History, feeds: Sequence[FeedClient]) -> None:
    """Every client of the feed has been sent what stands in it: a heartbeat tells it the end."""
    began = time.monotonic()
    while behind := await _behind(stack, feeds):
        if time.monotonic() - began > FEEDS_S:
            history.note(
                "runner", "quiet", {"seconds": FEEDS_S, "caught_up": FEEDS_S, "open": {"feeds behind": behind}}
            )
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
        found = await lags(stack, _groups(), await ends(stack))
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
