"""What a transaction still has to write when its work is done: rows that nothing in it reads, and what must leave."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.database import driver
from chassis.outbox.store import OutboxStore, Outgoing

_MOST_ROWS = 50
"""In one call: all of them together have the time-out of a statement."""
_MOST_CHARACTERS = 25_000
"""In one call, unless it is of one row: beyond 128 KiB asyncpg's `executemany` waits for the socket, and while it does
it heeds neither a cancellation nor a lost connection."""


@dataclass(slots=True)
class Effects:
    """Of one command, or of all events of a batch. `rows`: a statement of asyncpg's with its values, in their order."""

    rows: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)

    def clear(self) -> None:
        """What was rolled back has none."""
        self.rows.clear()
        self.outgoing.clear()

    async def write(self, connection: AsyncConnection, outbox: OutboxStore) -> None:
        """Writes the rows, neighbours of one statement in one round trip, then the outbox.

        Raises what a statement raises, and OutboxIsFull.
        """
        await self.write_rows(connection)
        await outbox.append(connection, self.outgoing)

    async def write_rows(self, connection: AsyncConnection) -> None:
        for statement, values in self._together():
            await (await driver(connection)).executemany(statement, values)

    def _together(self) -> Iterator[tuple[str, Sequence[tuple[Any, ...]]]]:
        """The rows in pieces that each go in one call."""
        begun, first, characters = "", 0, 0
        for number, (statement, values) in enumerate(self.rows):
            size = sum(len(value) for value in values if isinstance(value, str | bytes))
            full = number - first == _MOST_ROWS or characters + size > _MOST_CHARACTERS
            if number > first and (full or statement != begun):
                yield begun, [one for _, one in self.rows[first:number]]
                first, characters = number, 0
            begun, characters = statement, characters + size
        if self.rows:
            yield begun, [one for _, one in self.rows[first:]]
