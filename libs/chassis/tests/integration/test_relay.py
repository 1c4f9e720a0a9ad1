"""The relay: all that was committed leaves, in order per key, whatever happens to it."""

import asyncio
import signal
from collections import defaultdict
from uuid import UUID

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError

from chassis.core import Ok, Result, new_id
from chassis.health import Status
from chassis.outbox import relay as relays
from chassis.outbox.relay import Relay
from chassis.testing.waiting import eventually, running
from chassis.use_case import Work

from ..sample.events import THINGS
from ..sample.process import process
from ..sample.service import Named, SampleTransaction, Thing
from ..sample.stage import Stage

TERMINATE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'sample.relay' AND datname = current_database()
"""


async def sequences(stage: Stage) -> dict[str, list[int]]:
    """Per key the sequences in the topic, in their order."""
    found: dict[str, list[int]] = defaultdict(list)
    for record in await stage.topics.read(THINGS.name):
        found[record.key.decode()].append(int(dict(record.headers)["ce_sequence"]))
    return found


@pytest.mark.parametrize("limit", [("_BATCH", 2), ("_BATCH_BYTES", 1)], ids=["rows", "bytes"])
async def test_behind_a_full_batch_the_next_does_not_wait(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, limit: tuple[str, int]
) -> None:
    monkeypatch.setattr(relays, *limit)
    monkeypatch.setattr(relays, "_POLL_S", 60.0)
    for number in range(5):
        await stage.make(str(number))
    async with running(stage.relay()):
        await stage.until_sent()


async def test_nothing_stays_behind_when_transactions_commit_in_the_opposite_order_of_their_ids(stage: Stage) -> None:
    appended, may_commit = asyncio.Event(), asyncio.Event()

    async def make_late(work: Work) -> Result[None]:
        thing = Thing(id=new_id(), org_id=stage.org_id, name="late")
        thing.record(Named())
        await SampleTransaction(work).store(thing)
        await stage.outbox.append(work.connection, work.effects.outgoing)
        work.effects.outgoing.clear()
        appended.set()
        await may_commit.wait()
        return Ok(None)

    async with running(stage.relay()):
        late = asyncio.create_task(stage.runner.transact(stage.context(), make_late))
        await appended.wait()
        await stage.make("early")
        await stage.until_sent()
        may_commit.set()
        await late
        await stage.until_sent()
    ids = [row.id for row in await stage.rows("SELECT id FROM outbox ORDER BY sent_at")]
    assert ids == [2, 1]
    assert len(await stage.topics.read(THINGS.name)) == 2


async def test_the_order_of_each_key_is_kept_under_load(stage: Stage) -> None:
    async def change(thing: UUID) -> None:
        await stage.make("1", thing)
        for number in range(2, 21):
            await stage.rename(thing, str(number))

    things = [new_id() for _ in range(10)]
    async with running(stage.relay()):
        await asyncio.gather(*map(change, things))
        await stage.until_sent()
    assert await sequences(stage) == {str(thing): list(range(1, 21)) for thing in things}


async def test_a_row_that_the_broker_refuses_holds_its_key_alone(stage: Stage) -> None:
    await limit(stage, 3000)
    thing, others = await stage.make("small"), [await stage.make(f"other {number}") for number in range(20)]
    await stage.rename(thing, "x" * 5000)
    await stage.rename(thing, "small again")
    for other in others:
        await stage.rename(other, "renamed")
    relay = stage.relay()
    async with running(relay):
        await eventually(lambda: unsent(stage, 2))
        health = await eventually(lambda: unhealthy(relay))
        refused = (await stage.rows("SELECT id FROM outbox WHERE refused IS NOT NULL"))[0].id
        assert health == f"outbox row {refused} is refused (MessageSizeTooLargeError) and holds its key"
        await stage.make("one more")
        await eventually(lambda: unsent(stage, 2))
    await limit(stage, 100_000)
    async with running(stage.relay()):
        await stage.until_sent()
    assert await sequences(stage) | {str(thing): [1, 2, 3]} == await sequences(stage)


async def test_a_relay_that_loses_its_connection_goes_on(stage: Stage) -> None:
    things = [new_id() for _ in range(30)]
    async with running(stage.relay()):
        for number, thing in enumerate(things):
            await stage.make("lamp", thing)
            if number % 10 == 5:
                await stage.execute(TERMINATE)
        await stage.until_sent()
    assert {key: set(found) for key, found in (await sequences(stage)).items()} == {str(thing): {1} for thing in things}


async def test_a_frozen_relay_loses_the_lock_and_another_takes_over(stage: Stage) -> None:
    with process(stage.environment, "relay") as frozen:
        first = await stage.make("first")
        await stage.until_sent()
        frozen.signal(signal.SIGSTOP)
        async with running(stage.relay()):
            await stage.rename(first, "second")
            await stage.until_sent()
            frozen.signal(signal.SIGCONT)
            await stage.rename(first, "third")
            await stage.until_sent()
    assert await sequences(stage) == {str(first): [1, 2, 3]}


async def test_of_two_relays_one_sends_and_one_stands_by(stage: Stage) -> None:
    first, second = stage.relay(), stage.relay()
    async with running(first):
        await eventually(lambda: says(first, "nothing waits"))
        async with running(second):
            await eventually(lambda: says(second, "another process sends"))
            await stage.make("lamp")
            await stage.until_sent()


async def test_a_command_in_another_process_wakes_the_relay(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = Stage(stage.environment, stage.org_id)
    relay, woken = stage.relay(), 0

    async def wait(event: asyncio.Event, _: float) -> None:
        nonlocal woken
        await event.wait()  # no look but when woken
        woken += 1

    monkeypatch.setattr(relays, "_wait", wait)
    async with running(relay, elsewhere.notifier()):
        await eventually(lambda: says(relay, "nothing waits"))
        await elsewhere.make("lamp")
        await stage.until_sent()
    assert woken
    await elsewhere.close()


async def limit(stage: Stage, size: int) -> None:
    """Sets how large a batch the topic takes, in bytes: more or less than 5,000. Waits until the broker keeps to it."""
    admin, name = stage.kafka.admin(), stage.kafka.topic(THINGS.name)

    async def holds() -> bool:
        producer = stage.kafka.producer()
        await producer.start()
        try:
            await producer.send_and_wait(name, b"x" * 5000, key=b"probe", headers=[("ce_sequence", b"1")])
        except MessageSizeTooLargeError:
            return size < 5000
        finally:
            await producer.stop()
        return size > 5000

    await admin.start()
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"max.message.bytes": str(size)})])
    await admin.close()
    await eventually(holds)


async def unsent(stage: Stage, count: int) -> bool:
    return len(await stage.rows("SELECT 1 FROM outbox WHERE sent_at IS NULL")) == count


async def unhealthy(relay: Relay) -> str | None:
    health = relay.health()
    return health.line if health.status is Status.UNHEALTHY and "refused" in health.line else None


async def says(relay: Relay, line: str) -> bool:
    return relay.health().line == line
