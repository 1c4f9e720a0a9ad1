"""Migrations of a service's database: Alembic over asyncpg, as the owner role. Never imported by `serve`.

Revisions named `…_pre_…` run before the new code starts, `…_post_…` after the old code has gone.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.backbone import HOUSEKEEPING_STATEMENTS, REPAIR_STATEMENTS, STATEMENTS

POLICY = "org_id = ANY (string_to_array(current_setting('stoa.org_ids', true), ',')::uuid[])"


@dataclass(frozen=True)
class Roles:
    """The two roles that run: `app` behind row security, `system` past it."""

    app: str
    system: str


def upgrade(location: Path, *, owner_dsn: str, dsn: str, system_dsn: str, revision: str = "head") -> None:
    """Brings the database to `revision`. An advisory lock lets one process at a time do it."""
    config = Config()
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    config.attributes["dsn"] = owner_dsn
    config.attributes["roles"] = Roles(_user(dsn), _user(system_dsn))
    command.upgrade(config, revision)


def run_environment() -> None:
    """What a service's `migrations/env.py` calls."""
    asyncio.run(_run_online())


async def _run_online() -> None:
    dsn = context.config.attributes["dsn"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(dsn, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(8246193)")
        context.run_migrations()


def roles() -> Roles:
    """The running roles, as the settings name them."""
    found: Roles = context.config.attributes["roles"]
    return found


def create_backbone() -> None:
    """The tables of the chassis, and the rights of the running roles on every table made later."""
    who = roles()
    for role in (who.app, who.system):
        op.execute(f'GRANT USAGE ON SCHEMA public TO "{role}"')
        op.execute(
            f'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{role}"'
        )
        op.execute(f'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO "{role}"')
    for statement in STATEMENTS:
        op.execute(statement)
    for table in ("idempotency_keys", "memberships"):
        protect(table)
    # The running role adds to the outbox and never reads it: what waits there belongs to all tenants.
    op.execute(f'REVOKE SELECT, UPDATE, DELETE ON outbox FROM "{who.app}"')


def create_repair_tables() -> None:
    """The tables of attempts, snapshots, rebuilds and operators."""
    for statement in REPAIR_STATEMENTS:
        op.execute(statement)
    # The record of what operators did is added to by the system role, and changed by nobody.
    who = roles()
    op.execute(f'REVOKE INSERT, UPDATE, DELETE ON operator_actions FROM "{who.app}"')
    op.execute(f'REVOKE UPDATE, DELETE ON operator_actions FROM "{who.system}"')


def create_housekeeping_indexes() -> None:
    """What finds the rows that have had their time."""
    for statement in HOUSEKEEPING_STATEMENTS:
        op.execute(statement)


def protect(table: str) -> None:
    """Row security by `org_id`, for the table's owner too (PostgreSQL manual, section 5.9)."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({POLICY}) WITH CHECK ({POLICY})")


def _user(dsn: str) -> str:
    user = urlsplit(dsn).username
    if not user:
        raise ValueError("a database DSN names no user")
    return user
