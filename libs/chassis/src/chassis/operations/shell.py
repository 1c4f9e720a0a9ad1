"""An operator at a shell: who it is, a connection to the service's database, and text that is safe to show."""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import typer

from chassis.core import Err, Failure, Result
from chassis.operations.audit import audited, connect
from chassis.settings import ServiceSettings, read_settings

EXIT_REFUSED = 1

V = TypeVar("V")
Work: TypeAlias = Callable[[Any], Awaitable[V]]


class Refused(Exception):
    """A rule refuses what was asked for; nothing was done."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)


@dataclass(frozen=True)
class Shell:
    """What the commands of one service work with. A refusal is printed, and ends the command with exit code 1."""

    settings: type[ServiceSettings]

    def ask(self, work: Work[V]) -> V:
        """Does something with an asyncpg connection of the system role."""
        return _run(self._connected(work))

    def act(
        self, action: str, target: Mapping[str, Any], work: Work[Mapping[str, Any]], *, reason: str | None = None
    ) -> Mapping[str, Any]:
        """The same in one transaction with the row that says who did it; answers the outcome."""

        async def recorded(connection: Any) -> Mapping[str, Any]:
            return await audited(
                connection, lambda: work(connection), actor=actor(), action=action, target=target, reason=reason
            )

        return _run(self._connected(recorded))

    async def _connected(self, work: Work[V]) -> V:
        connection = await connect(read_settings(self.settings).database_system_dsn.get_secret_value())
        try:
            return await work(connection)
        finally:
            await connection.close()


def value_of(result: Result[V]) -> V:
    """Raises Refused, which ends the transaction without a trace."""
    if isinstance(result, Err):
        raise Refused(result.failure)
    return result.value


def actor() -> str:
    """Who is at the shell, as the record names them: `cli:<login>`, or the user's number where it has no name."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"cli:{os.getuid()}"


def shown(text: str) -> str:
    """Text from outside without what a terminal would obey: control characters are escaped."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _run(work: Awaitable[V]) -> V:
    async def run() -> V:
        return await work

    try:
        return asyncio.run(run())
    except Refused as refused:
        typer.echo(f"Refused: {refused}", err=True)
        raise typer.Exit(EXIT_REFUSED) from None
