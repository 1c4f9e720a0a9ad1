"""`python -m <service> consumers list`."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.table import Table

from chassis.kafka.connection import Kafka
from chassis.operations.audit import connect
from chassis.operations.consumers import ConsumerState, consumer_states
from chassis.settings import ServiceSettings, read_settings


def consumers(service: str, kind: type[ServiceSettings]) -> typer.Typer:
    """The commands of a service whose settings are of this kind."""
    app = typer.Typer(no_args_is_help=True, help="Those who read the events of others.")

    @app.callback()
    def every() -> None:
        """Those who read the events of others."""

    @app.command("list")
    def list_command(
        partitions: Annotated[bool, typer.Option("--partitions", help="Each partition, with who reads it.")] = False,
    ) -> None:
        """How far each is, what it has parked, and whether it stands still."""
        try:
            states = asyncio.run(_states(service, read_settings(kind)))
        except (KafkaError, TimeoutError) as error:
            typer.echo(f"Kafka does not answer: {type(error).__name__}", err=True)
            raise typer.Exit(1) from None
        for table in map(_by_partition, states) if partitions else [_by_consumer(states)]:
            Console().print(table)

    return app


async def _states(service: str, settings: ServiceSettings) -> list[ConsumerState]:
    connection = await connect(settings.database_system_dsn.get_secret_value())
    try:
        return await consumer_states(Kafka.of(settings, client_id=f"{service}.operator"), service, connection)
    finally:
        await connection.close()


def _by_consumer(states: list[ConsumerState]) -> Table:
    table = Table("consumer", "state", box=None)
    for title in ("lag", "moved", "parked keys", "events", "for a person"):
        table.add_column(title, justify="right")
    for state in states:
        moved = [one.moved_at for one in state.positions if one.moved_at is not None]
        parked = (state.parked.keys, state.parked.letters, state.parked.resting)
        table.add_row(state.name, _state(state), str(state.lag), _ago(max(moved, default=None)), *map(str, parked))
    return table


def _state(state: ConsumerState) -> str:
    if state.stuck:
        return "[red]stuck[/red]"
    return "reads" if state.members else "[yellow]nobody reads[/yellow]"


def _by_partition(state: ConsumerState) -> Table:
    table = Table(title=state.name, title_justify="left", box=None)
    table.add_column("topic/partition", no_wrap=True)
    for title in ("committed", "end", "lag", "moved"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("member", overflow="fold")
    for one in state.positions:
        committed = "none" if one.committed is None else str(one.committed)
        numbers = (committed, str(one.end), str(one.lag), _ago(one.moved_at))
        member = state.members.get((one.topic, one.partition), "")
        table.add_row(f"{one.topic}/{one.partition}", *numbers, member.removeprefix(f"{state.name}-"))
    return table


def _ago(moment: datetime | None) -> str:
    if moment is None:
        return "never"
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    return f"{seconds} s ago" if seconds < 120 else f"{seconds // 60} min ago"
