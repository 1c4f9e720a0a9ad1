"""The broker that the outbox was sent to, told by its cluster id: one that lost its disk comes back with another."""

import asyncio
from typing import Any, Self

from aiokafka.errors import KafkaError

from chassis.kafka.broken_off import was_told_to_stop
from chassis.kafka.connection import Kafka
from chassis.kafka.ending import let_end

_ASK_S = 3.0
_PAUSE_S = 0.5
_ANSWER_S = 5.0

_FIRST_SIGHT = "INSERT INTO broker (cluster_id) VALUES ($1) ON CONFLICT DO NOTHING"
_KNOWN = "SELECT cluster_id FROM broker"


class BrokerReplaced(Exception):
    """The broker is another one than the outbox was sent to."""

    def __init__(self, known: str, found: str) -> None:
        super().__init__(f"the broker lost its data: its cluster id was {known} and is {found}")


async def known_cluster(connection: Any) -> str | None:
    """The cluster that the outbox was sent to; None before the first message. `connection` is asyncpg's."""
    found: str | None = await connection.fetchval(_KNOWN)
    return found


async def require_known(connection: Any, found: str) -> None:
    """Remembers the first cluster of all. Raises BrokerReplaced for another one than the known."""
    await connection.execute(_FIRST_SIGHT, found)
    known = await known_cluster(connection)
    if known is not None and known != found:
        raise BrokerReplaced(known, found)


class BrokerWatch:
    """Asks the broker for its cluster id every three seconds, beside a producer that reconnects by itself.

    No broker restarts without its data in less, so that hardly a message leaves for the wrong one.
    """

    def __init__(self, kafka: Kafka, known: str) -> None:
        self._kafka = kafka
        self._known = known
        self._found = known
        self._asking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._asking = asyncio.create_task(self._ask_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._asking is not None:
            self._asking.cancel()

    def require_same(self) -> None:
        """Raises BrokerReplaced when the last answer was another cluster's."""
        if self._asking is not None and self._asking.done():
            self._asking.result()
        if self._found != self._known:
            raise BrokerReplaced(self._known, self._found)

    async def _ask_on(self) -> None:
        """A broker that is away is none of its business: it asks again."""
        while True:
            admin = self._kafka.admin()
            try:
                await self._ask(admin)
            except (KafkaError, OSError):
                await asyncio.sleep(_PAUSE_S)
            except asyncio.CancelledError:
                if was_told_to_stop():
                    raise
                await asyncio.sleep(_PAUSE_S)
            finally:
                await let_end(admin.close(), _ANSWER_S)

    async def _ask(self, admin: Any) -> None:
        """Asks on one connection until that fails."""
        async with asyncio.timeout(_ANSWER_S):
            await admin.start()
        while True:
            async with asyncio.timeout(_ANSWER_S):
                self._found = (await admin.describe_cluster())["cluster_id"]
            await asyncio.sleep(_ASK_S)
