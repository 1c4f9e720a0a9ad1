"""The command line: `python -m local_stack`."""

import shlex

import typer

from local_stack import jars
from local_stack.backends import Servers

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The local stack of Stoa.")
backends = typer.Typer(no_args_is_help=True, help="PostgreSQL and Kafka alone, shared by test runs.")
broker_jars = typer.Typer(no_args_is_help=True, help="The broker's Java libraries.")
app.add_typer(backends, name="backends")
app.add_typer(broker_jars, name="jars")


@backends.command("start")
def start_backends() -> None:
    """Start the shared pair unless it runs, and print its addresses as export lines for a shell."""
    kept = Servers.kept()
    addresses = kept.addresses if kept.running else kept.start(outlive=True)
    for name, value in addresses.environment().items():
        print(f"export {name}={shlex.quote(value)}")


@backends.command("stop")
def stop_backends() -> None:
    """End the shared pair and delete its data."""
    Servers.kept().stop()


@broker_jars.command("fetch")
def fetch_jars() -> None:
    """Download what is missing and check every file against the lock."""
    jars.class_path()


@broker_jars.command("lock")
def lock_jars() -> None:
    """Resolve jgo.toml again and write the lock."""
    print(f"{jars.lock()} jars locked")
