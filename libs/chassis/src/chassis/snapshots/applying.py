"""What a snapshot's item does to one consumer: its inbox moves, its row is written anew, its dead letters go."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.core import Actor, Ok
from chassis.database import Database, driver
from chassis.dead_letters import DeadLetters
from chassis.effects import Effects
from chassis.inbox import Inbox
from chassis.kafka.consumer import Consumer, Projection
from chassis.snapshots.rebuilds import Effect, Mode
from chassis.use_case import Context, Work
from contracts.snapshots.v1 import Captured

Tx = TypeVar("Tx")
Items: TypeAlias = Mapping[str, Captured]


class CannotProject(Exception):
    """What a consumer declares as its projection refuses a state, or publishes something."""


@dataclass(frozen=True)
class Applying(Generic[Tx]):
    """Applies items to one consumer. `system` sees all tenants' rows."""

    consumer: Consumer[Tx]
    system: Database
    bind: Callable[[Work], Tx]

    async def take(self, mode: Mode, items: Sequence[Captured], cause: UUID) -> list[Effect]:
        """Applies items of one topic, each of another key, in one transaction; answers what became of each.

        Raises CannotProject, and whatever the projection raises: then nothing is done.
        """
        by_key = {item.key: item for item in items}
        async with self.system.system_transaction() as connection:
            if mode is Mode.CHECK:
                effects = await self._compare(connection, by_key, cause)
                await connection.rollback()
            else:
                effects = await self._move(connection, mode, by_key, cause)
        return [effects[item.key] for item in items]

    async def _move(self, connection: AsyncConnection, mode: Mode, items: Items, cause: UUID) -> dict[str, Effect]:
        """As in parking, keys are opened before their inbox rows are touched: so nobody can park behind our backs."""
        raw, topic, keys = await driver(connection), _topic(items), sorted(items)
        await self._letters.open_keys(raw, topic, keys)
        before = await self._inbox.positions(raw, topic, keys)
        move = self._inbox.reach if mode is Mode.REBUILD else self._inbox.begin_at
        moved = await move(raw, topic, {key: items[key].sequence for key in keys})
        changed = await self._project(connection, {key: items[key] for key in keys if key in moved}, cause)
        await self._letters.settle_until(raw, topic, {key: items[key].sequence for key in moved})
        await self._letters.close_keys(raw, topic, keys)
        differing = {key for key in changed if before.get(key) == items[key].sequence}
        return {key: _effect(key in differing) if key in moved else Effect.NEWER for key in keys}

    async def _compare(self, connection: AsyncConnection, items: Items, cause: UUID) -> dict[str, Effect]:
        """Projects, to see what comes of it; the caller rolls it back."""
        positions = await self._inbox.positions(await driver(connection), _topic(items), sorted(items))
        level = {key: item for key, item in items.items() if positions.get(key) == item.sequence}
        changed = await self._project(connection, level, cause)
        lagging = {key for key, item in items.items() if positions.get(key, 0) < item.sequence}
        elsewhere = {key: Effect.LAGGING if key in lagging else Effect.NEWER for key in items}
        return elsewhere | {key: _effect(key in changed) for key in level}

    async def _project(self, connection: AsyncConnection, items: Items, cause: UUID) -> set[str]:
        """Writes their rows anew, so that whatever is wrong in them goes. Answers which are other ones now."""
        projection = self.consumer.projects
        if projection is None or not items:
            return set()
        raw, keys = await driver(connection), list(items)
        before = dict(await raw.fetch(_take_out(projection), keys))
        effects = Effects()
        for item in items.values():
            if item.state is not None:
                await self._apply(Work(connection, _context(projection, item, cause), effects), projection, item)
        await effects.write_rows(connection)
        after = dict(await raw.fetch(_rows(projection), keys))
        return {key for key in keys if before.get(key) != after.get(key)}

    async def _apply(self, work: Work, projection: Projection[Tx], item: Captured) -> None:
        state = projection.state.model_validate_json(orjson.dumps(item.state), strict=True)
        outcome = await projection.apply(self.bind(work), state)
        if not isinstance(outcome, Ok) or work.effects.outgoing:
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
            if await self._inbox.begin_at(raw, topic, {key: 0}):
                await raw.execute(_take_out(self.consumer.projects), [key])
                await self._inbox.forget(raw, topic, key)

    @property
    def _inbox(self) -> Inbox:
        return Inbox(self.consumer.name)

    @property
    def _letters(self) -> DeadLetters:
        return DeadLetters(self.consumer.name, {})


def _topic(items: Items) -> str:
    """The one topic of all."""
    return next(iter(items.values())).topic


def _context(projection: Projection[Any], item: Captured, cause: UUID) -> Context:
    actor = Actor.system(projection.topic.producer)
    return Context(actor=actor, org_id=item.organisation_id, role=None, correlation_id=cause)


def _effect(differs: bool) -> Effect:
    return Effect.DIFFERED if differs else Effect.APPLIED


def _take_out(projection: Projection[Any]) -> str:
    return f"""
DELETE FROM {projection.table} AS r WHERE {projection.key_column} = ANY($1::uuid[])
RETURNING {projection.key_column}::text, to_jsonb(r)::text
"""  # noqa: S608  names that the service declares


def _rows(projection: Projection[Any]) -> str:
    return f"""
SELECT {projection.key_column}::text, to_jsonb(r)::text FROM {projection.table} AS r
WHERE {projection.key_column} = ANY($1::uuid[])
"""  # noqa: S608  names that the service declares


def _strangers(projection: Projection[Any]) -> str:
    return f"""
SELECT {projection.key_column}::text AS key FROM {projection.table} AS r WHERE NOT EXISTS (
    SELECT FROM inbox AS i WHERE i.consumer = $1 AND i.topic = $2 AND i.key = r.{projection.key_column}::text)
"""  # noqa: S608  names that the service declares
