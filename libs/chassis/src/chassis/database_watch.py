"""Whether the database answers: asked every few seconds, told by `/health/ready`."""

import asyncio

import structlog

from chassis.database import Database, is_passing
from chassis.health import Health

PING_S = 3.0
_ANSWER_S = 3.0

log = structlog.get_logger()


class DatabaseWatch:
    """A component that asks the pool for a connection and an answer. It never ends a process: a database comes back."""

    name = "database"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._health = Health.unhealthy("the database has not answered yet")

    def health(self) -> Health:
        return self._health

    async def run(self) -> None:
        while True:
            found = await self._ask()
            if found != self._health:
                log.info("database.answers") if found == Health.healthy() else log.warning(
                    "database.away", reason=found.line
                )
            self._health = found
            await asyncio.sleep(PING_S)

    async def _ask(self) -> Health:
        try:
            async with asyncio.timeout(_ANSWER_S), self._database.system_transaction() as connection:
                await connection.exec_driver_sql("SELECT 1")
        except Exception as error:
            if not is_passing(error):
                log.error("database.refuses", exc_info=error)
            return Health.unhealthy(f"the database does not answer: {type(error).__name__}")
        return Health.healthy()
