"""What every service's tests ask of its tables: that none is open to other tenants by oversight."""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.backbone import WITHOUT_ROW_SECURITY

_OPEN = text("""
SELECT c.relname FROM pg_class AS c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
    AND NOT (c.relrowsecurity AND c.relforcerowsecurity
        AND EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid))
""")


async def tables_without_policy(connection: AsyncConnection, *, allowed: Collection[str] = ()) -> set[str]:
    """Tables without forced row security and a policy, less those of the chassis and those the service answers for."""
    found = set((await connection.execute(_OPEN)).scalars())
    return found - WITHOUT_ROW_SECURITY - set(allowed)
