"""The command line: `python -m local_stack`."""

import os
import shlex
import shutil
import subprocess
from typing import Annotated

import typer

from local_stack import class_cache, control, jars, postgres, runner, screen
from local_stack.board import Phase, Snapshot, State
from local_stack.paths import Workspace, passing_folders
from local_stack.plan import GATEWAY, Plan
from local_stack.processes import end, marked
from local_stack.servers import SESSIONS, Servers

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The local stack of Stoa.")
backends = typer.Typer(no_args_is_help=True, help="PostgreSQL and Kafka alone, shared by test runs.")
broker_jars = typer.Typer(no_args_is_help=True, help="The broker's Java libraries.")
app.add_typer(backends, name="backends")
app.add_typer(broker_jars, name="jars")
NOT_RUNNING = 3


@app.command()
def up() -> None:
    """Start PostgreSQL, Kafka, the services and the gateway; return when all are healthy."""
    workspace = Workspace.current()
    if not os.environ.get("STOA_KAFKA_BOOTSTRAP"):
        with screen.downloading() as advance:
            jars.class_path(advance)
    board = _start(workspace)
    if board is None or board.phase is not Phase.READY:
        control.stop(workspace)
        culprits = board.culprits() if board else []
        logs = [workspace.log(name) for name in (*culprits, "runner")]
        screen.show_failure(board, [log for log in logs if log.exists()])
        raise typer.Exit(1)
    screen.show_status(board)
    if GATEWAY in board.rows:
        screen.console.print(f"\nReady: [bold]{board.rows[GATEWAY].url}[/]")


@app.command()
def demo() -> None:
    """Start the stack, let two people and an agent do the product's main job, and tell it. Ends with 0 only if so."""
    import httpx  # dear, and of no use to the other commands

    from local_stack.demo import tell
    from local_stack.scenario import ScenarioFailed

    up()
    workspace = Workspace.current()
    board = control.snapshot(workspace)
    plan = Plan.load(workspace.state / "plan.json")
    if board is None:
        raise typer.Exit(NOT_RUNNING)
    try:
        tell(str(board.rows[GATEWAY].url), {name: workspace.log(name) for name in (*plan.services, GATEWAY)})
    except (ScenarioFailed, httpx.HTTPError, TimeoutError) as failure:
        screen.console.print(f"[bold red]The demo failed:[/] {failure or type(failure).__name__}")
        raise typer.Exit(1) from failure


def _start(workspace: Workspace) -> Snapshot | None:
    try:
        return screen.follow(control.start(workspace))
    except (KeyboardInterrupt, TimeoutError) as interruption:
        screen.console.print(str(interruption) or "interrupted")
        return control.snapshot(workspace)


@app.command()
def run() -> None:
    """Run the stack in the foreground, a line per change; Ctrl-C ends it. `up` does this in the background."""
    raise typer.Exit(runner.main(Workspace.current()))


@app.command()
def down() -> None:
    """End everything that `up` started, also when the runner itself was killed."""
    leftovers = control.stop(Workspace.current())
    screen.console.print(
        f"Stopped, {leftovers} processes left by a killed runner among them." if leftovers else "Stopped."
    )


@app.command()
def status() -> None:
    """Show each process with its state, restarts, memory and address. Ends with 3 when nothing runs, 1 when unready."""
    board = control.snapshot(Workspace.current())
    if board is None:
        screen.console.print("The stack does not run.")
        raise typer.Exit(NOT_RUNNING)
    screen.show_status(board)
    well = all(row.state in (State.READY, State.DONE) for row in board.rows.values())
    raise typer.Exit(0 if well and board.phase is Phase.READY else 1)


@app.command()
def logs(
    process: Annotated[str | None, typer.Argument(help="One process; all when left out.")] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what is added.")] = False,
    lines: Annotated[int, typer.Option("-n", help="How many of the last lines of each.")] = 40,
) -> None:
    """Show the logs of all processes, or of one."""
    workspace = Workspace.current()
    found = [workspace.log(process)] if process else sorted(workspace.log("x").parent.glob("*.log"))
    if missing := [log for log in found if not log.exists()]:
        known = ", ".join(sorted(log.stem for log in missing[0].parent.glob("*.log")))
        raise typer.BadParameter(f"no log of {process!r}; there are: {known or 'none'}")
    try:
        screen.show_logs(found, lines=lines, follow=follow)
    except KeyboardInterrupt:
        return


@app.command()
def migrate() -> None:
    """Bring the database of every service to its newest schema while the stack runs."""
    try:
        control.migrate(Workspace.current())
    except (control.NotRunning, subprocess.CalledProcessError) as error:
        screen.console.print(str(error), markup=False)
        raise typer.Exit(1) from error


@app.command("exec", context_settings={"ignore_unknown_options": True})
def execute(service: str, words: Annotated[list[str], typer.Argument(help="e.g. dead-letters list")]) -> None:
    """Run a command of a service, `python -m <service> …`, with the settings that it has in the running stack."""
    workspace = Workspace.current()
    if control.snapshot(workspace) is None:
        raise typer.Exit(NOT_RUNNING)
    plan = Plan.load(workspace.state / "plan.json")
    if service not in plan.services:
        raise typer.BadParameter(f"no service {service!r}; there are: {', '.join(plan.services)}")
    command = plan.command(service, words, workspace)
    ended = subprocess.run(command.argv, cwd=command.folder, env=dict(command.environment), check=False)
    raise typer.Exit(ended.returncode)


@app.command()
def clean() -> None:
    """End everything, the servers of tests too, and delete all state."""
    workspace = Workspace.current()
    control.stop(workspace)
    Servers.kept().stop()
    passing = passing_folders(SESSIONS)
    for mark in (workspace.mark, *map(str, passing)):
        end(marked(mark, below=True))
    for folder in passing:
        shutil.rmtree(folder, ignore_errors=True)
    for link in workspace.state.rglob("postgres/elsewhere"):
        postgres.discard(link.parent)
    shutil.rmtree(workspace.state)


@backends.command("start")
def start_backends() -> None:
    """Start the shared pair unless it runs, and print its addresses as export lines for a shell."""
    for name, value in Servers.shared().environment().items():
        print(f"export {name}={shlex.quote(value)}")


@backends.command("stop")
def stop_backends() -> None:
    """End the shared pair and delete its data."""
    Servers.kept().stop()


@broker_jars.command("fetch")
def fetch_jars() -> None:
    """Download what is missing, check every file against the lock, and make the cache of the broker's classes."""
    with screen.downloading() as advance:
        class_path = jars.class_path(advance)
    class_cache.make(class_path)


@broker_jars.command("lock")
def lock_jars() -> None:
    """Resolve jgo.toml again and write the lock."""
    print(f"{jars.lock()} jars locked")
