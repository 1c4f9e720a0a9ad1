"""`python -m <service> dead-letters list | show | redrive | discard`."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from chassis.operations import dead_letters_screen as screen
from chassis.operations.dead_letters import Choice, Opened, discard, listed, opened, redrive
from chassis.operations.shell import Shell, value_of
from chassis.paging import Page
from chassis.settings import ServiceSettings

Consumer = Annotated[str | None, typer.Option(help="Only of this consumer, e.g. chats.transcript.")]
Topic = Annotated[str | None, typer.Option(help="Only of this topic.")]
Key = Annotated[str | None, typer.Option(help="Only of this Kafka key.")]
Number = Annotated[int, typer.Argument(metavar="ID")]


def dead_letters(kind: type[ServiceSettings]) -> typer.Typer:
    """The commands of a service whose settings are of this kind."""
    app = typer.Typer(no_args_is_help=True, help="Events that could not be applied.")
    for add in (_add_list, _add_show, _add_redrive, _add_discard):
        add(app, Shell(kind))
    return app


def _add_list(app: typer.Typer, shell: Shell) -> None:
    @app.command("list")
    def list_command(
        consumer: Consumer = None, topic: Topic = None, key: Key = None, limit: int = 100, after: int = 0
    ) -> None:
        """What is parked, the oldest first; `--after ID` goes on behind that one."""
        choice, page = Choice(consumer=consumer, topic=topic, key=key), Page(limit, (after,))
        screen.show_list(shell.ask(lambda connection: listed(connection, choice, page)))


def _add_show(app: typer.Typer, shell: Shell) -> None:
    @app.command("show")
    def show_command(number: Number) -> None:
        """One event: its headers, its bytes, what went wrong, what waits behind it."""

        async def work(connection: Any) -> Opened:
            return value_of(await opened(connection, number))

        screen.show_one(shell.ask(work))


def _add_redrive(app: typer.Typer, shell: Shell) -> None:
    @app.command("redrive")
    def redrive_command(
        number: Annotated[int | None, typer.Argument(metavar="[ID]", help="The key of this dead letter.")] = None,
        consumer: Consumer = None,
        topic: Topic = None,
        key: Key = None,
        everything: Annotated[bool, typer.Option("--all", help="All keys of all consumers.")] = False,
    ) -> None:
        """Try again: the first event of the key, then by itself what waits behind it. Commands are left out."""
        narrowed = topic is not None or key is not None
        if (number is not None) + (consumer is not None) + everything != 1 or (narrowed and consumer is None):
            raise typer.BadParameter("give an ID, or --consumer (with --topic, --key), or --all")
        choice = Choice(id=number, consumer=consumer, topic=topic, key=key)

        async def work(connection: Any) -> Mapping[str, Any]:
            return {"ids": value_of(await redrive(connection, choice))}

        ids = shell.act("dead-letters.redrive", choice.given, work)["ids"]
        typer.echo(f"Tried now: {', '.join(map(str, ids)) or 'none'}. What waits behind follows by itself.")


def _add_discard(app: typer.Typer, shell: Shell) -> None:
    @app.command("discard")
    def discard_command(
        number: Number, reason: Annotated[str, typer.Option(help="Why; kept with your name, 1 to 500 characters.")]
    ) -> None:
        """Give an event up for good: it is never applied, and what waits behind it is tried now. No way back."""
        why = reason.strip()
        if not 1 <= len(why) <= 500 or not why.isprintable():
            raise typer.BadParameter("--reason must be 1 to 500 printable characters")

        async def work(connection: Any) -> Mapping[str, Any]:
            return value_of(await discard(connection, number)).outcome

        next_id = shell.act("dead-letters.discard", {"id": number}, work, reason=why)["next_id"]
        follows = f"Dead letter {next_id} is tried now." if next_id is not None else "Nothing waits behind it."
        typer.echo(f"Discarded {number}. {follows}")
