"""What operators repair in a running system: copies are rebuilt, a broker that lost its disk is filled again, what was
parked is tried again."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Any

from aiokafka.errors import KafkaError

from chassis.core import Ok
from chassis.operations import dead_letters
from chassis.operations.dead_letters import Choice
from chassis.snapshots.rebuilds import Mode, Rebuild, ask, find

from ..copies import COPIES
from ..stack import NotInTime, Stack, eventually
from .dumps import connect
from .history import History, Json

BACK_S = 60.0
ENDED_S = 60.0
"""A rebuild gives up by itself before."""


async def rebuild(stack: Stack, random: Random) -> Json:
    """One copy is written anew from its owner's snapshot while everything goes on. Raises NotInTime."""
    consumer = random.choice(sorted(COPIES))
    ended = await _ended(stack, consumer, Mode.REBUILD)
    return {"consumer": consumer, "items": ended.items, "applied": ended.applied, "error": ended.error}


async def wipe(stack: Stack) -> Json:
    """The broker's disk is lost under load. It comes back empty, is given its users and topics, and every service sends
    again what its outbox has kept. Raises NotInTime."""
    with stack.unattended():
        stack.kill("kafka")
        await asyncio.to_thread(shutil.rmtree, stack.workspace.state / "kafka" / "data")
    await asyncio.to_thread(eventually, partial(_topics_made, stack), "the broker has its topics", BACK_S)
    replays = (partial(_sent_again, stack, service) for service in stack.plan.services)
    await asyncio.gather(*(asyncio.to_thread(eventually, replay, "all is sent again", BACK_S) for replay in replays))
    return {}


async def redrive(stack: Stack) -> Json:
    """Everything that lies aside is to be tried again, at every service, and is asked for twice at the same moment."""
    asked = dict[str, list[int]]()
    for service in stack.plan.services:
        async with _two_connections(stack, service) as connections:
            answers = await asyncio.gather(*(dead_letters.redrive(one, Choice()) for one in connections))
            asked[service] = [len(answer.value) for answer in answers if isinstance(answer, Ok)]
    return {"tried": asked}


@asynccontextmanager
async def _two_connections(stack: Stack, service: str) -> AsyncIterator[list[Any]]:
    connections = [await connect(stack, service) for _ in range(2)]
    try:
        yield connections
    finally:
        for one in connections:
            one.terminate()


def _topics_made(stack: Stack) -> bool:
    plan = stack.plan
    command = plan.create_topics(stack.workspace)
    try:
        asyncio.run(plan.addresses.provision_users(list(plan.ports)))
        subprocess.run(command.argv, cwd=command.folder, env=dict(command.environment), check=True, capture_output=True)
    except (KafkaError, OSError, TimeoutError, subprocess.CalledProcessError):
        return False
    return True


def _sent_again(stack: Stack, service: str) -> bool:
    try:
        stack.execute(service, "outbox", "replay", "--lost-broker")
    except subprocess.CalledProcessError:
        return False
    return True


async def check_copies(stack: Stack, history: History) -> None:
    """Has the system compare each copy with its owner's snapshot, and notes what it says."""
    checks = await asyncio.gather(*(_ended(stack, consumer, Mode.CHECK) for consumer in COPIES))
    for consumer, ended in zip(COPIES, checks, strict=True):
        told = {"consumer": consumer, "error": ended.error, "differing": [str(key) for key in ended.differing_keys]}
        history.note("runner", "copy", told)


async def _ended(stack: Stack, consumer: str, mode: Mode) -> Rebuild:
    connection = await connect(stack, consumer.partition(".")[0])
    try:
        async with asyncio.timeout(ENDED_S):
            asked = await ask(connection, consumer, COPIES[consumer], mode)
            while True:
                found = await find(connection, asked)
                if found is not None and found.ended_at is not None:
                    return found
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise NotInTime(f"{mode} of {consumer} has not ended after {ENDED_S:g} s") from None
    finally:
        await connection.close()
