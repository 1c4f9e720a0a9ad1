"""`python -m <service> outbox status | replay`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from chassis.kafka.connection import Kafka
from chassis.operations.outbox import OutboxStatus, replay_lost_broker, replay_since, status
from chassis.operations.shell import Shell, shown, value_of
from chassis.settings import ServiceSettings, read_settings


def outbox(kind: type[ServiceSettings]) -> typer.Typer:
    """The commands of a service whose settings are of this kind."""
    app = typer.Typer(no_args_is_help=True, help="Messages on their way to Kafka.")
    for add in (_add_status, _add_replay):
        add(app, Shell(kind))
    return app


def _add_status(app: typer.Typer, shell: Shell) -> None:
    @app.command("status")
    def status_command() -> None:
        """What waits to be sent, what is held, who sends, and to which broker."""
        for line in _lines(shell.ask(status)):
            typer.echo(line)


def _add_replay(app: typer.Typer, shell: Shell) -> None:
    @app.command("replay")
    def replay_command(
        since: Annotated[
            str | None, typer.Option(metavar="TIME", help="What was sent at this time (RFC 3339) or later.")
        ] = None,
        lost_broker: Annotated[
            bool, typer.Option("--lost-broker", help="All that is kept, to a broker that came back without its data.")
        ] = False,
    ) -> None:
        """Send messages again, in their order. Readers drop what they have seen."""
        if (since is None) != lost_broker:
            raise typer.BadParameter("give --since or --lost-broker")
        moment = _moment(since) if since is not None else None

        async def work(connection: Any) -> Mapping[str, Any]:
            if moment is not None:
                return value_of(await replay_since(connection, moment))
            kafka = Kafka.of(read_settings(shell.settings), client_id="replay")
            return value_of(await replay_lost_broker(connection, kafka))

        target = {"since": moment.isoformat()} if moment is not None else {"lost_broker": True}
        rows = shell.act("outbox.replay", target, work)["rows"]
        typer.echo(f"{rows:,} messages are sent again; `outbox status` shows how far it is.")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("--since must be a time like 2026-05-04T12:00:00Z") from None
    if moment.tzinfo is None:
        raise typer.BadParameter("--since must say its time zone, as in 2026-05-04T12:00:00Z")
    return moment.astimezone(UTC)


def _lines(found: OutboxStatus) -> list[str]:
    who, sender = "nobody", found.sender
    if sender is not None:
        who = f"{sender.application}, session {sender.pid} since {sender.since:%Y-%m-%d %H:%M:%S} UTC"
    held = [f"            row {row.id} ({row.error}) {shown(row.topic)} {shown(row.key)}" for row in found.held]
    return [
        f"unsent      {found.new if found.new.rows else 'nothing waits'}",
        f"sent again  {found.again if found.again.rows else 'nothing waits'}",
        f"held        {len(found.held) or 'nothing'}",
        *held,
        f"sender      {who}",
        f"broker      {found.cluster_id or 'none was seen yet'}",
    ]
