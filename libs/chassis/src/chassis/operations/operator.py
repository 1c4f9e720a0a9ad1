"""The door of an operator: `super_admin` only, on a connection that sees all tenants' messages."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi.security.base import SecurityBase
from starlette.requests import Request

from chassis.core import Failure, Kind
from chassis.http.identity import Identity
from chassis.http.problems import ProblemError
from chassis.http.tokens import Caller
from chassis.operations.audit import audited, connect
from contracts.permissions import Permission, allows


@dataclass(frozen=True)
class OperatorsOnly(Failure):
    slug = "operators-only"
    kind = Kind.FORBIDDEN
    title = "Only operators of the platform may do this"


class Operator:
    """One request of an operator."""

    def __init__(self, request: Request, caller: Caller, system_dsn: str) -> None:
        self.request = request
        self._caller = caller
        self._dsn = system_dsn

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """An asyncpg connection of the system role. Operators are few, so each request opens its own."""
        connection = await connect(self._dsn)
        try:
            yield connection
        finally:
            await connection.close()

    async def act(
        self,
        action: str,
        target: Mapping[str, Any],
        body: Callable[[Any], Awaitable[Mapping[str, Any]]],
        *,
        reason: str | None = None,
    ) -> Mapping[str, Any]:
        """Does `body` with a connection, in one transaction with the row that says who did it."""
        async with self.connection() as connection:
            return await audited(
                connection,
                lambda: body(connection),
                actor=f"user:{self._caller.user_id}",
                action=action,
                target=target,
                reason=reason,
            )


class Operators(SecurityBase):
    """FastAPI dependency that answers the `Operator` of a request: `Depends(operators)`. 401, or 403 for others."""

    def __init__(self, identity: Identity, system_dsn: str) -> None:
        self.model = identity.model
        self.scheme_name = identity.scheme_name
        self._identity = identity
        self._dsn = system_dsn

    async def __call__(self, request: Request) -> Operator:
        caller = await self._identity(request)
        if not allows(caller.role, Permission.OPERATIONS_ADMIN):
            raise ProblemError(OperatorsOnly())
        return Operator(request, caller, self._dsn)
