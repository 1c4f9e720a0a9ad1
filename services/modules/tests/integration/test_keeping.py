"""What is remembered of commands goes once none can come again."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.core import new_id
from chassis.database import Database
from chassis.housekeeping import Housekeeping
from chassis.testing.waiting import eventually, running
from modules.adapters.commands import SETTLED
from modules.settings import Settings

_SETTLED = text("""
INSERT INTO commands (org_id, id, verdict, reply, settled_at)
VALUES (:org, :id, 'completed', '{}', now() - make_interval(days => :days))
""")


@pytest.fixture
async def system(settings: Settings) -> AsyncIterator[Database]:
    """The database under the role that sees all tenants."""
    made = Database(settings.database_system_dsn.get_secret_value(), application="modules-system")
    yield made
    await made.close()


async def test_a_settled_command_goes_after_a_day_on_its_topic_and_three_in_the_outbox(system: Database) -> None:
    young = await _settled(system, days=3)
    await _settled(system, days=5)

    async def only_the_young_one_is_left() -> bool:
        async with system.system_transaction() as connection:
            return list((await connection.execute(text("SELECT id FROM commands"))).scalars()) == [young]

    async with running(Housekeeping(system, [SETTLED])):
        await eventually(only_the_young_one_is_left)


async def _settled(system: Database, *, days: int) -> UUID:
    command = new_id()
    async with system.system_transaction() as connection:
        await connection.execute(_SETTLED, {"org": new_id(), "id": command, "days": days})
    return command
