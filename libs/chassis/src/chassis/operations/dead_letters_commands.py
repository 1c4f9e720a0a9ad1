"""`python -m <service> dead-letters list | show | redrive`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Protocol, TypeAlias, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from chassis.operations.audit import connect
from chassis.operations.dead_letters import Choice, Listed, found, redrive
from chassis.settings import ServiceSettings, read_settings

T = TypeVar("T")
Work: TypeAlias = Callable[[Any], Awaitable[T]]


class Ask(Protocol):
    """Does something with a connection to the service's database."""

    def __call__(self, work: Work[T]) -> T: ...


Consumer = Annotated[str | None, typer.Option(help="Only of this consumer, e.g. chats.transcript.")]
Key = Annotated[str | None, typer.Option(help="Only of this Kafka key; --consumer makes it one key.")]

_COLUMNS = ("id", "consumer", "kind", "key", "sequence", "parked_at", "attempts", "retry_at", "error")


def dead_letters(kind: type[ServiceSettings]) -> typer.Typer:
    """The commands of a service whose settings are of this kind."""

    def ask(work: Work[T]) -> T:
        return asyncio.run(_with_connection(read_settings(kind), work))

    app = typer.Typer(no_args_is_help=True, help="Events that could not be applied.")
    for add in (_add_list, _add_show, _add_redrive):
        add(app, ask)
    return app


def _add_list(app: typer.Typer, ask: Ask) -> None:
    @app.command("list")
    def list_command(consumer: Consumer = None, key: Key = None, limit: int = 100) -> None:
        """What is parked, the oldest first."""
        choice = Choice(consumer=consumer, key=key)
        Console().print(_table(ask(lambda connection: found(connection, choice, most=limit))))


def _add_show(app: typer.Typer, ask: Ask) -> None:
    @app.command("show")
    def show_command(number: int) -> None:
        """One event: its headers, its bytes, what went wrong."""
        letters = ask(lambda connection: found(connection, Choice(id=number)))
        if not letters:
            raise typer.BadParameter(f"there is no dead letter {number}")
        Console().print(_text(letters[0]), markup=False, highlight=False)


def _add_redrive(app: typer.Typer, ask: Ask) -> None:
    @app.command("redrive")
    def redrive_command(
        number: Annotated[int | None, typer.Argument(help="The key of this dead letter.")] = None,
        consumer: Consumer = None,
        key: Key = None,
        everything: Annotated[bool, typer.Option("--all", help="All keys of all consumers.")] = False,
    ) -> None:
        """Try again: the first event of the key, then by itself what waits behind it. Commands are left out."""
        if number is None and consumer is None and key is None and not everything:
            raise typer.BadParameter("name a dead letter, --consumer, --key or --all")
        choice = Choice(id=number, consumer=consumer, key=key)
        tried = ask(lambda connection: redrive(connection, choice))
        Console().print(f"{len(tried)} of them will be tried at once: {', '.join(map(str, tried)) or 'none'}")


async def _with_connection(settings: ServiceSettings, work: Work[T]) -> T:
    connection = await connect(settings.database_system_dsn.get_secret_value())
    try:
        return await work(connection)
    finally:
        await connection.close()


def _table(letters: list[Listed]) -> Table:
    table = Table(*_COLUMNS)
    for letter in letters:
        table.add_row(*("" if (cell := getattr(letter, name)) is None else str(cell) for name in _COLUMNS))
    return table


def _text(letter: Listed) -> str:
    lines = [f"{name}: {getattr(letter, name)}" for name in (*_COLUMNS, "topic", "position", "event_id", "deadline")]
    headers = [f"  {name}: {_shown(value)}" for name, value in letter.headers]
    return "\n".join([*lines, "headers:", *headers, "value:", _shown(letter.value)])


def _shown(content: bytes | None) -> str:
    return "(null)" if content is None else content.decode(errors="backslashreplace")
