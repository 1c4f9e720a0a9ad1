"""`python -m <service> projections list | rebuild | check | seed | show`."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import typer

from chassis.kafka.connection import Kafka
from chassis.kafka.consumer import Consumer
from chassis.operations.projections import Projected, Projections, rebuild
from chassis.operations.shell import EXIT_REFUSED, Shell, shown, value_of
from chassis.serve import Service
from chassis.settings import ServiceSettings, read_settings
from chassis.snapshots.rebuilds import Mode, Rebuild

_POLL_S = 0.2

Name = Annotated[str, typer.Argument(metavar="CONSUMER", help="Its name, e.g. chats.memberships.")]
Wait = Annotated[bool, typer.Option("--wait", help="Until it has ended; exit code 1: failed, or differences.")]


def projections(service: Service[Any], kind: type[ServiceSettings]) -> typer.Typer:
    """The commands of a service."""
    app, shell = typer.Typer(no_args_is_help=True, help="What is kept of other services."), Shell(kind)
    _add_list(app, shell, service)
    _add_ask(app, shell, service, Mode.REBUILD, "Make every row anew from its owner's snapshot.")
    _add_ask(app, shell, service, Mode.CHECK, "Compare every row with its owner's snapshot; nothing is changed.")
    _add_ask(app, shell, service, Mode.SEED, "Let a new consumer begin where its owner stands, without its past.")
    _add_show(app, shell)
    return app


def _add_list(app: typer.Typer, shell: Shell, service: Service[Any]) -> None:
    @app.command("list")
    def list_command() -> None:
        """Each with its rows, how far it is behind, and its last rebuild."""

        async def work(connection: Any) -> list[Projected]:
            kafka = Kafka.of(read_settings(shell.settings), client_id="projections")
            return await (await _projections(service, shell)).listed(connection, kafka)

        for found in shell.ask(work):
            typer.secho(found.consumer, bold=True)
            rows = "seeds only" if found.table is None else f"table {found.table}, {found.rows:,} rows"
            lag = "the broker does not answer" if found.lag is None else f"{found.lag:,} events behind"
            typer.echo(f"        {found.topic}: {rows}, {lag}")
            if found.last is not None:
                typer.echo(f"        last: {_line(found.last)}")


def _add_ask(app: typer.Typer, shell: Shell, service: Service[Any], mode: Mode, says: str) -> None:
    @app.command(mode.value, help=says)
    def ask_command(consumer: Name, wait: Wait = False) -> None:
        async def work(connection: Any) -> Mapping[str, Any]:
            return {"id": str(value_of(await (await _projections(service, shell)).ask(connection, consumer, mode)))}

        id_ = UUID(shell.act(f"projections.{mode}", {"consumer": consumer}, work)["id"])
        if not wait:
            typer.echo(f"Asked for; `projections show {id_}` tells how far it is.")
            return
        ended = shell.ask(lambda connection: _ended(connection, id_))
        _show(ended)
        if ended.error is not None or (mode is Mode.CHECK and ended.differing):
            raise typer.Exit(EXIT_REFUSED)


def _add_show(app: typer.Typer, shell: Shell) -> None:
    @app.command("show")
    def show_command(number: Annotated[UUID, typer.Argument(metavar="ID")]) -> None:
        """One rebuild, check or seed: how far it is, or how it ended."""

        async def work(connection: Any) -> Rebuild:
            return value_of(await rebuild(connection, number))

        _show(shell.ask(work))


async def _projections(service: Service[Any], shell: Shell) -> Projections:
    """What the service declares: it is wired as to serve, and nothing of it runs."""
    parts = service.build(read_settings(shell.settings))
    consumers: Sequence[Consumer[Any]] = parts.consumers
    for close in parts.close:
        await close()
    return Projections.of(consumers)


async def _ended(connection: Any, id_: UUID) -> Rebuild:
    while True:
        found = value_of(await rebuild(connection, id_))
        if found.ended_at is not None:
            return found
        await asyncio.sleep(_POLL_S)


def _show(found: Rebuild) -> None:
    typer.secho(f"{found.consumer} from {found.topic}", bold=True)
    typer.secho(_line(found), fg="red" if found.error is not None or found.differing else None)
    if found.error is not None:
        typer.echo(f"error: {shown(found.error)}")
    for key in found.differing_keys:
        typer.echo(f"        {shown(key)}")


def _line(found: Rebuild) -> str:
    counts = ", ".join(f"{getattr(found, name):,} {name}" for name in ("applied", "newer", "lagging", "differing"))
    return f"{found.mode} {found.status} ({found.asked_at:%Y-%m-%d %H:%M:%S}): {counts}"
