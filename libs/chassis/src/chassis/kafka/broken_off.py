"""A trap of aiokafka: when a connection is lost it may cancel the futures of requests that are under way."""

import asyncio


def was_told_to_stop() -> bool:
    """Whether the CancelledError that is being handled was meant for this task.

    One that nobody asked for came out of a lost connection, and is to be handled like any other failure of it.
    """
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
