"""One command, one transaction, one place that commits."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Update
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.core import Actor, Aggregate, DomainEvent, Err, Ok, Result
from chassis.crash_points import crash_point
from chassis.database import Database, scope_to
from chassis.effects import Effects
from chassis.outbox.store import EventTooLarge, OutboxStore, Outgoing
from contracts.event import Event
from contracts.permissions import Permission, Role, allows

Tx_co = TypeVar("Tx_co", covariant=True)
C = TypeVar("C")
V = TypeVar("V")
A = TypeVar("A", bound=Aggregate)


class ChangedMeanwhile(Exception):
    """An aggregate changed between its reading and its writing, though its row was locked: a defect, never a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Under what a command is done: who acts, for which organisation, with which role, caused by what.

    `command_id` is the id of an agent's tool call, where one is behind the command.
    """

    actor: Actor
    org_id: UUID | None
    role: Role | None
    correlation_id: UUID
    causation_id: UUID | None = None
    command_id: UUID | None = None

    @property
    def organisation(self) -> UUID:
        """The organisation that is acted for. Raises LookupError where there is none."""
        if self.org_id is None:
            raise LookupError("outside any organisation")
        return self.org_id

    @property
    def user_id(self) -> UUID:
        """The user who acts, perhaps through an agent. Raises LookupError for a service."""
        if self.actor.user_id is None:
            raise LookupError("no user acts")
        return self.actor.user_id

    def may(self, permission: Permission) -> bool:
        return self.role is not None and allows(self.role, permission)


@dataclass(slots=True)
class Work:
    """One command's part of a transaction. Repositories write through `connection` and hand over what must leave."""

    connection: AsyncConnection
    context: Context
    effects: Effects = field(default_factory=Effects)

    def put(self, statement: str, *values: object) -> None:
        """Has a row written when the work is done, together with others like it: for rows that nothing in the
        transaction reads, and that no other statement of it writes.

        `statement` is in asyncpg's words (`$1`). In a batch of events it saves a round trip for each of them.
        """
        self.effects.rows.append((statement, values))

    def publish(self, aggregate: A, to_contract: Callable[[A, DomainEvent], Event], *, org_id: UUID | None) -> None:
        """Takes the aggregate's recorded events to the outbox. Called after its versioned UPDATE, never before."""
        for recorded in aggregate.take_recorded():
            event = to_contract(aggregate, recorded.event)
            sequence = recorded.sequence
            self.effects.outgoing.append(
                Outgoing.of(event, self.context, key=str(aggregate.id), sequence=sequence, org_id=org_id)
            )

    def publish_record(self, event: Event, *, key: str, org_id: UUID | None) -> None:
        """Takes a record (a message without a sequence) to the outbox."""
        self.effects.outgoing.append(Outgoing.of(event, self.context, key=key, sequence=None, org_id=org_id))

    async def change_one(self, statement: Update, values: Mapping[str, object]) -> None:
        """Executes a versioned UPDATE. Raises ChangedMeanwhile when no row has the version that was read."""
        if (await self.connection.execute(statement, values)).rowcount != 1:
            raise ChangedMeanwhile(str(statement.table))

    async def scope_to(self, org_ids: Collection[UUID]) -> None:
        """For a command that learns its organisation on the way, like a sign-in."""
        await scope_to(self.connection, org_ids)


class HasWork(Protocol):
    """A service's transaction, as far as the chassis writes in it."""

    @property
    def work(self) -> Work: ...


class Runner(Generic[Tx_co]):
    """Runs use cases. `bind` makes a service's transaction (its repositories) from the work of one command."""

    def __init__(self, database: Database, outbox: OutboxStore, bind: Callable[[Work], Tx_co]) -> None:
        self.database = database
        self.outbox = outbox
        self.bind = bind

    async def run(self, context: Context, handler: Callable[[Tx_co, C], Awaitable[Result[V]]], command: C) -> Result[V]:
        """Runs one use case in a transaction of its own."""
        return await self.transact(context, lambda work: handler(self.bind(work), command))

    async def transact(self, context: Context, body: Callable[[Work], Awaitable[Result[V]]]) -> Result[V]:
        """Runs `body` in one transaction. `Ok` commits rows and outbox together; `Err` and exceptions roll back.

        A result that was returned as `Ok` is committed. An event over the size limit refuses the command. Raises
        OutboxIsFull where the outbox has no room.
        """
        scope = [context.org_id] if context.org_id is not None else []
        try:
            async with self.database.transaction(scope) as connection:
                crash_point("command.begun")
                work = Work(connection, context)
                result = await body(work)
                if isinstance(result, Err):
                    await connection.rollback()
                    return result
                crash_point("command.written")
                await work.effects.write(connection, self.outbox)
                crash_point("command.outbox")
        except EventTooLarge as error:
            return Err(error.failure)
        crash_point("command.committed")
        if work.effects.outgoing:
            self.outbox.wake()
        return Ok(result.value)
