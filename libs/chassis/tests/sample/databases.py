"""Databases of tests: each a copy of one that was migrated once."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg

from local_stack.backends import Backends


@asynccontextmanager
async def copy_of(backends: Backends, template: Mapping[str, str]) -> AsyncIterator[dict[str, str]]:
    """The settings of a new database with empty tables, under a namespace of its own; it is dropped at the end."""
    original = template["STOA_DATABASE_DSN"].rpartition("/")[2]
    copy = f"{original}_{uuid4().hex[:8]}"
    admin = await asyncpg.connect(backends.addresses.postgres_admin_dsn)
    await admin.execute(f"CREATE DATABASE {copy} TEMPLATE {original} OWNER sample_owner")
    try:
        environment = {name: value.replace(f"/{original}", f"/{copy}") for name, value in template.items()}
        yield {**environment, "STOA_KAFKA_NAMESPACE": f"{copy}-"}
    finally:
        await admin.execute(f"DROP DATABASE {copy} WITH (FORCE)")
        await admin.close()
