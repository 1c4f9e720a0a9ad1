"""What a snapshot's item does to one consumer: its inbox moves, its row is written anew, its dead letters go."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.core import Actor, Ok
from chassis.database import Database, driver
from chassis.dead_letters import DeadLetters
from chassis.inbox import Inbox
from chassis.kafka.consumer import Consumer, Projection
from chassis.snapshots.rebuilds import Mode
from chassis.use_case import Context, Work
from contracts.snapshots.v1 import Captured

Tx = TypeVar("Tx")


class CannotProject(Exception):
    """What a consumer declares as its projection refuses a state, or publishes something."""


class Effect(Enum):
    """What became of an item. `DIFFERED`: applied, or in a check comparable, and the row was not what it should be."""

    APPLIED = "applied"
    DIFFERED = "differed"
    NEWER = "newer"
    LAGGING = "lagging"


@dataclass(frozen=True)
class Applying(Generic[Tx]):
    """Applies items to one consumer. `system` sees all tenants' rows; each item has a transaction of its own."""

    consumer: Consumer[Tx]
    system: Database
    bind: Callable[[Work], Tx]

    async def take(self, mode: Mode, item: Captured, cause: UUID) -> Effect:
        """Raises CannotProject, and whatever the projection raises."""
        async with self.system.system_transaction() as connection:
            if mode is Mode.CHECK:
                effect = await self._compare(connection, item, cause)
                await connection.rollback()
                return effect
            return await self._move(connection, mode, item, cause)

    async def _move(self, connection: AsyncConnection, mode: Mode, item: Captured, cause: UUID) -> Effect:
        """As in parking, the key is opened before its inbox row is touched: so nobody can park behind our back."""
        raw, key = await driver(connection), (item.topic, item.key)
        await self._letters.open_key(raw, *key)
        before = await self._inbox.position(raw, *key)
        move = self._inbox.reach if mode is Mode.REBUILD else self._inbox.begin_at
        moved = await move(raw, *key, item.sequence)
        differs = moved and await self._project(connection, item, cause) and before == item.sequence
        if moved:
            await self._letters.settle_until(raw, *key, item.sequence)
        else:
            await self._letters.close_key(raw, *key)
        if not moved:
            return Effect.NEWER
        return Effect.DIFFERED if differs else Effect.APPLIED

    async def _compare(self, connection: AsyncConnection, item: Captured, cause: UUID) -> Effect:
        """Projects, to see what comes of it; the caller rolls it back."""
        position = await self._inbox.position(await driver(connection), item.topic, item.key)
        if position != item.sequence:
            return Effect.LAGGING if position < item.sequence else Effect.NEWER
        return Effect.DIFFERED if await self._project(connection, item, cause) else Effect.APPLIED

    async def _project(self, connection: AsyncConnection, item: Captured, cause: UUID) -> bool:
        """Writes the row anew, so that whatever is wrong in it goes. Answers whether it is another one now."""
        projection = self.consumer.projects
        if projection is None:
            return False
        raw = await driver(connection)
        before = await raw.fetchval(_take_out(projection), item.key)
        if item.state is not None:
            await self._apply(connection, projection, item, cause)
        return bool(before != await raw.fetchval(_row(projection), item.key))

    async def _apply(
        self, connection: AsyncConnection, projection: Projection[Tx], item: Captured, cause: UUID
    ) -> None:
        actor = Actor.system(projection.topic.producer)
        work = Work(connection, Context(actor=actor, org_id=item.organisation_id, role=None, correlation_id=cause))
        state = projection.state.model_validate_json(orjson.dumps(item.state), strict=True)
        outcome = await projection.apply(self.bind(work), state)
        if not isinstance(outcome, Ok) or work.outgoing:
            raise CannotProject(f"the projection of {projection.topic.name} answers {outcome}")

    async def strangers(self, topic: str) -> list[str]:
        """Keys of rows that no event and no item of a snapshot has ever made: those without a row of the inbox."""
        if self.consumer.projects is None:
            return []
        async with self.system.system_transaction() as connection:
            raw = await driver(connection)
            rows = await raw.fetch(_strangers(self.consumer.projects), self.consumer.name, topic)
        return [row["key"] for row in rows]

    async def remove(self, topic: str, key: str) -> None:
        """Removes the row of a stranger, unless an event makes it known meanwhile.

        A row of the inbox stands there for the length of the transaction: so such an event waits until this is done.
        """
        if self.consumer.projects is None:
            return
        async with self.system.system_transaction() as connection:
            raw = await driver(connection)
            if await self._inbox.begin_at(raw, topic, key, 0):
                await raw.execute(_take_out(self.consumer.projects), key)
                await self._inbox.forget(raw, topic, key)

    @property
    def _inbox(self) -> Inbox:
        return Inbox(self.consumer.name)

    @property
    def _letters(self) -> DeadLetters:
        return DeadLetters(self.consumer.name, {})


def _take_out(projection: Projection[Any]) -> str:
    condition = f"{projection.key_column} = $1::uuid"
    return f"DELETE FROM {projection.table} AS r WHERE {condition} RETURNING to_jsonb(r)::text"  # noqa: S608  declared


def _row(projection: Projection[Any]) -> str:
    return f"SELECT to_jsonb(r)::text FROM {projection.table} AS r WHERE {projection.key_column} = $1::uuid"  # noqa: S608  declared


def _strangers(projection: Projection[Any]) -> str:
    return f"""
SELECT {projection.key_column}::text AS key FROM {projection.table} AS r WHERE NOT EXISTS (
    SELECT FROM inbox AS i WHERE i.consumer = $1 AND i.topic = $2 AND i.key = r.{projection.key_column}::text)
"""  # noqa: S608  names that the service declares
