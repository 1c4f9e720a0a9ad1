"""`python -m auth super-admins grant | revoke | list`: who may operate the platform is said at a shell only."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import UTC
from typing import Annotated, Any, TypeAlias, TypeVar
from uuid import UUID

import typer

from auth.application.ports import Transaction
from auth.application.super_admins import (
    GrantSuperAdmin,
    GrantSuperAdminHandler,
    RevokeSuperAdmin,
    RevokeSuperAdminHandler,
)
from auth.application.views import SuperAdminView
from auth.domain.email import normal_email
from auth.domain.errors import NobodyHasThatAddress
from chassis.core import Actor, Err, Ok, Result, SystemClock, new_id
from chassis.database import driver
from chassis.operations.audit import audited
from chassis.operations.shell import EXIT_REFUSED, actor
from chassis.outbox.notifier import CHANNEL
from chassis.use_case import Context, Runner, Work

V = TypeVar("V")

AuthRunner: TypeAlias = Runner[Transaction]
Change: TypeAlias = Callable[[Transaction, UUID], Awaitable[Result[bool]]]

Email = Annotated[str, typer.Argument(help="The address that the person signs in with.")]

_clock = SystemClock()


def super_admins(open_runner: Callable[[], AuthRunner]) -> typer.Typer:
    """The commands. `open_runner` makes a runner whose database role may change who is an operator."""
    app = typer.Typer(no_args_is_help=True, help="Operators of the platform.")
    _add_changes(app, open_runner)

    @app.command("list")
    def list_command() -> None:
        """Who operates the platform, since when, and who let them."""
        for found in _run(_listed(open_runner())):
            granted = found.granted_at.astimezone(UTC)
            typer.echo(f"{found.email:<40}  {granted:%Y-%m-%d %H:%M} UTC  {found.granted_by}")

    return app


def _add_changes(app: typer.Typer, open_runner: Callable[[], AuthRunner]) -> None:
    @app.command("grant")
    def grant(email: Email) -> None:
        """Make somebody an operator, from their next sign-in or refresh on."""

        async def change(tx: Transaction, user_id: UUID) -> Result[bool]:
            return await GrantSuperAdminHandler(_clock)(tx, GrantSuperAdmin(user_id, actor()))

        changed = _run(_changed(open_runner(), "super-admins.grant", email, change))
        typer.echo(f"{email} is an operator from the next sign-in on." if changed else f"{email} was one before.")

    @app.command("revoke")
    def revoke(email: Email) -> None:
        """Make somebody an operator no more: their access tokens are refused everywhere within 2 s."""

        async def change(tx: Transaction, user_id: UUID) -> Result[bool]:
            return await RevokeSuperAdminHandler(_clock)(tx, RevokeSuperAdmin(user_id))

        changed = _run(_changed(open_runner(), "super-admins.revoke", email, change))
        typer.echo(f"{email} is no operator any more." if changed else f"{email} was none.")


async def _listed(runner: AuthRunner) -> Result[Sequence[SuperAdminView]]:
    async def work(work: Work) -> Result[Sequence[SuperAdminView]]:
        return Ok(await runner.bind(work).super_admins.all())

    return await _once(runner, work)


async def _changed(runner: AuthRunner, action: str, email: str, change: Change) -> Result[bool]:
    """One transaction with the row that says who did it. Refused: NobodyHasThatAddress."""

    async def work(work: Work) -> Result[bool]:
        tx = runner.bind(work)
        account = await tx.users.account(normal_email(email) or "")
        if account is None:
            return Err(NobodyHasThatAddress())
        outcome = await _recorded(work, action, account.user_id, lambda: change(tx, account.user_id))
        return Ok(bool(outcome["changed"]))

    return await _once(runner, work)


async def _recorded(
    work: Work, action: str, user_id: UUID, change: Callable[[], Awaitable[Result[bool]]]
) -> Mapping[str, Any]:
    """Names the user by id: an address would get into the log."""

    async def body() -> Mapping[str, Any]:
        return {"changed": await change() == Ok(True)}

    target = {"user_id": str(user_id)}
    raw = await driver(work.connection)
    return await audited(raw, body, actor=actor(), action=action, target=target)


async def _once(runner: AuthRunner, body: Callable[[Work], Awaitable[Result[V]]]) -> Result[V]:
    context = Context(actor=Actor.system("auth"), org_id=None, role=None, correlation_id=new_id())
    try:
        result = await runner.transact(context, body)
        async with runner.database.system_transaction() as connection:  # after the commit: the relay looks at once
            await (await driver(connection)).execute(f"NOTIFY {CHANNEL}")
        return result
    finally:
        await runner.database.close()


def _run(work: Coroutine[Any, Any, Result[V]]) -> V:
    result = asyncio.run(work)
    if isinstance(result, Err):
        typer.echo(f"Refused: {result.failure.detail}", err=True)
        raise typer.Exit(EXIT_REFUSED)
    return result.value
