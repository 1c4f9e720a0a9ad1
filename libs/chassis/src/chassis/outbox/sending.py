"""Handing a batch of the outbox to a producer, and telling afterwards what became of each row."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer, errors
from aiokafka.errors import KafkaError

from chassis.crash_points import crash_point

_REFUSALS = (
    errors.InvalidMessageError,
    errors.InvalidTimestampError,
    errors.InvalidTopicError,
    errors.MessageSizeTooLargeError,
    errors.PolicyViolationError,
    errors.RecordListTooLargeError,
    errors.RecordTooLargeError,
    errors.UnsupportedForMessageFormatError,
)


def is_refusal(error: BaseException) -> bool:
    """Whether the message itself is refused, for good. Any other error may be gone when it is sent again."""
    return isinstance(error, _REFUSALS)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows on their way: a future for each that was handed over."""

    rows: Sequence[Any]
    acks: dict[int, "asyncio.Future[Any]"]

    async def acknowledged(self) -> None:
        """Waits until the broker has answered for each."""
        await asyncio.wait(self.acks.values())

    @property
    def failed(self) -> dict[int, BaseException]:
        """Row id to error, in order."""
        return {id_: error for id_, ack in self.acks.items() if (error := ack.exception()) is not None}

    @property
    def sent(self) -> list[int]:
        """What may be marked. Not what came after a failure of its key: that goes again, in order."""
        failed = self.failed
        stopped: set[tuple[str, str]] = set()
        sent: list[int] = []
        for row in self.rows:
            key = (row["topic"], row["key"])
            if row["id"] not in self.acks or row["id"] in failed:
                stopped.add(key)
            elif key not in stopped:
                sent.append(row["id"])
        return sent


async def hand_over(producer: AIOKafkaProducer, rows: Sequence[Any], topic: Callable[[str], str]) -> Batch:
    """Gives all rows to the producer without waiting for the broker. A key stops at a row that the client refuses."""
    batch = Batch(rows, {})
    stopped: set[tuple[str, str]] = set()
    for index, row in enumerate(rows):
        key = (row["topic"], row["key"])
        if key in stopped:
            continue
        headers = [(name, value.encode()) for name, value in orjson.loads(row["headers"])]
        try:
            ack = await producer.send(topic(row["topic"]), row["value"], row["key"].encode(), headers=headers)
        except KafkaError as error:
            ack = asyncio.get_running_loop().create_future()
            ack.set_exception(error)
            stopped.add(key)
        ack.add_done_callback(_retrieved)
        batch.acks[row["id"]] = ack
        if index == len(rows) // 2:
            crash_point("relay.half")
    return batch


def give_up(producer: AIOKafkaProducer) -> None:
    """Fails what is not acknowledged yet: it goes again by its row.

    Left alone, an idempotent producer would try on for ever, also while it stops, and late batches would arrive.
    """
    accumulator = producer._message_accumulator
    # Those that wait for their next try as well: without that their own callback stumbles (aiokafka 0.14).
    accumulator._pending_batches.update(chain.from_iterable(accumulator._batches.values()))
    for batch in accumulator._pending_batches:
        batch._drain_waiter.add_done_callback(_retrieved)
    accumulator.fail_all(KafkaError("the relay gave it up"))


def _retrieved(done: "asyncio.Future[Any]") -> None:
    """Looks at the outcome, so that asyncio does not report an error that nobody waits for any more."""
    if not done.cancelled():
        done.exception()
