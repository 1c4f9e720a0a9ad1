"""One database and three roles per service, made on any PostgreSQL whose administrator we are.

`<service>_owner` owns the database and migrates, `<service>` runs, `<service>_system` passes row security (relay,
housekeeping). Nobody else may connect. Repeating it changes nothing.
"""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from local_stack.seed import Seed

_LOCK = 0x53544F41  # "STOA": two provisioners take turns, as PostgreSQL copies its template for one at a time


def addresses(admin_dsn: str, service: str, database: str, seed: Seed) -> dict[str, str]:
    """The service's three `STOA_DATABASE_*` addresses."""
    owner, runtime, system = _roles(service)
    return {
        "STOA_DATABASE_DSN": _address(admin_dsn, runtime, database, seed),
        "STOA_DATABASE_SYSTEM_DSN": _address(admin_dsn, system, database, seed),
        "STOA_DATABASE_OWNER_DSN": _address(admin_dsn, owner, database, seed),
    }


async def provision(admin_dsn: str, databases: Mapping[str, str], seed: Seed) -> None:
    """Make each database and its service's roles: `databases` maps a database to its service.

    Raises `asyncpg.PostgresError` when the administrator may not, `OSError` when nobody answers.
    """
    connection = await asyncpg.connect(admin_dsn, timeout=10)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        for database, service in databases.items():
            for role in _roles(service):
                await _role(connection, role, seed, bypasses=role.endswith("_system"))
            await _database(connection, database, service)
    finally:
        await connection.close()


async def drop(admin_dsn: str, database: str) -> None:
    """Remove a database, whoever is connected."""
    connection = await asyncpg.connect(admin_dsn, timeout=10)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {_quoted(database)} WITH (FORCE)")
    finally:
        await connection.close()


def _roles(service: str) -> tuple[str, str, str]:
    return f"{service}_owner", service, f"{service}_system"


def _address(admin_dsn: str, role: str, database: str, seed: Seed) -> str:
    admin = urlsplit(admin_dsn)
    place = admin.netloc.rpartition("@")[2]
    user = f"{quote(role)}:{seed.password(f'postgres:{role}')}"
    return urlunsplit((admin.scheme, f"{user}@{place}", f"/{quote(database)}", admin.query, ""))


async def _role(connection: asyncpg.Connection, role: str, seed: Seed, *, bypasses: bool) -> None:
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await connection.execute(f"CREATE ROLE {_quoted(role)}")
    await connection.execute(
        f"ALTER ROLE {_quoted(role)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE "
        f"{'BYPASSRLS' if bypasses else 'NOBYPASSRLS'} PASSWORD '{seed.password(f'postgres:{role}')}'"
    )


async def _database(connection: asyncpg.Connection, database: str, service: str) -> None:
    owner, runtime, system = (_quoted(role) for role in _roles(service))
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
        await connection.execute(f"CREATE DATABASE {_quoted(database)} OWNER {owner}")
    await connection.execute(
        f"REVOKE ALL ON DATABASE {_quoted(database)} FROM PUBLIC;"
        f"GRANT CONNECT ON DATABASE {_quoted(database)} TO {owner}, {runtime}, {system}"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
