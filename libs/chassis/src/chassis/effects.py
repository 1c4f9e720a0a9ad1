"""What a transaction still has to write when its work is done: rows that nothing in it reads, and what must leave."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.database import driver
from chassis.outbox.store import OutboxStore, Outgoing


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
        """Writes the rows, in one round trip for all that stand together, then the outbox.

        Raises what a statement raises, and OutboxIsFull.
        """
        await self.write_rows(connection)
        await outbox.append(connection, self.outgoing)

    async def write_rows(self, connection: AsyncConnection) -> None:
        for statement, values in self._together():
            await (await driver(connection)).executemany(statement, values)

    def _together(self) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
        for statement, rows in groupby(self.rows, key=lambda row: row[0]):
            yield statement, [values for _, values in rows]
