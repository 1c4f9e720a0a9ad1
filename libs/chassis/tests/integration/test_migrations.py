"""Migrations of a service's database."""

from collections.abc import Iterator
from uuid import uuid4

import asyncpg
import pytest

from chassis.testing.waiting import eventually
from local_stack.backends import Backends

from ..sample.process import process


@pytest.fixture
def empty(backends: Backends) -> Iterator[dict[str, str]]:
    """The settings of a database without tables."""
    database = f"sample_{uuid4().hex[:8]}"
    yield backends.service_environment("sample", database=database)
    backends.drop_database(database)


async def test_processes_that_migrate_at_once_migrate_once(empty: dict[str, str]) -> None:
    with process(empty, "migrate") as first, process(empty, "migrate") as second:

        async def both_ended() -> bool:
            return None not in (first.poll(), second.poll())

        await eventually(both_ended, within=60)
        assert (first.poll(), second.poll()) == (0, 0)
    connection = await asyncpg.connect(empty["STOA_DATABASE_OWNER_DSN"])
    assert await connection.fetch("SELECT version_num FROM alembic_version") == [("0004",)]
    assert await connection.fetch("SELECT * FROM things") == []
    await connection.close()
