"""What operators did: one row in `operator_actions` for each action, in the transaction of its effect."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg
import orjson
import structlog

log = structlog.get_logger("operations")

_RECORD = """
INSERT INTO operator_actions (actor, action, target, reason, outcome) VALUES ($1, $2, $3::jsonb, $4, $5::jsonb)
"""


async def connect(system_dsn: str) -> Any:
    """A connection of the system role, which sees the messages of all tenants. Raises what asyncpg raises."""
    return await asyncpg.connect(system_dsn, timeout=5, command_timeout=30)


async def audited(
    connection: Any,
    body: Callable[[], Awaitable[Mapping[str, Any]]],
    *,
    actor: str,
    action: str,
    target: Mapping[str, Any],
    reason: str | None = None,
) -> Mapping[str, Any]:
    """Does `body` and writes down who did it, in one transaction; answers what `body` answers, its outcome.

    `actor`: `user:<id>` over HTTP, `cli:<login>` at a shell. `target` and outcome are JSON without any payload.
    """
    async with connection.transaction():
        outcome = await body()
        shown = (orjson.dumps(target).decode(), orjson.dumps(outcome).decode())
        await connection.execute(_RECORD, actor, action, shown[0], reason, shown[1])
    log.warning("operator-acted", actor=actor, action=action, target=dict(target), outcome=dict(outcome))
    return outcome
