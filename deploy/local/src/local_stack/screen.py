"""What a person sees: progress while things come up, tables, logs. Plain lines where there is no terminal."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from local_stack.board import Row, Snapshot, State
from local_stack.jars import Advance
from local_stack.processes import memory

console = Console(highlight=False)
_COLOURS = {
    State.READY: "green",
    State.DONE: "green",
    State.UNHEALTHY: "yellow",
    State.CRASHED: "red",
    State.FAILED: "bold red",
}
_REPEAT_SECONDS = 5.0
_PALETTE = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_green")


@contextmanager
def downloading() -> Iterator[Advance]:
    """Shows the broker's libraries coming in; nothing at all when they are there already."""
    columns = TextColumn("Kafka's libraries"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("jars", total=None)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)
            if not console.is_terminal and (done % 10 == 0 or done == total):
                console.print(f"Kafka's libraries {done}/{total}")

        yield advance


def follow(boards: Iterable[Snapshot]) -> Snapshot | None:
    """Shows the boards as they come; returns the last one."""
    return _follow_live(boards) if console.is_terminal else _follow_plainly(boards)


def _follow_live(boards: Iterable[Snapshot]) -> Snapshot | None:
    last: Snapshot | None = None
    began = time.monotonic()

    def picture() -> Group:
        elapsed = Text(f"{time.monotonic() - began:.1f} s", style="dim")
        return Group(_progress(last), elapsed) if last else Group(elapsed)

    with Live(get_renderable=picture, console=console, transient=True, refresh_per_second=12):
        for board in boards:
            last = board
    return last


def _follow_plainly(boards: Iterable[Snapshot]) -> Snapshot | None:
    """A line for each change of state, and now and then for what a process is still waiting for."""
    last, shown, began = None, dict[str, tuple[State, float]](), time.monotonic()
    for last in boards:
        now = time.monotonic() - began
        for name, row in last.rows.items():
            state, since = shown.get(name, (None, 0.0))
            if state != row.state or (row.note and now - since > _REPEAT_SECONDS):
                shown[name] = row.state, now
                console.print(f"{now:5.1f} s  {name:10} {row.state:9} {row.note}".rstrip(), soft_wrap=True)
    return last


def _progress(board: Snapshot) -> Table:
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(no_wrap=True, overflow="ellipsis")
    for name, row in board.rows.items():
        table.add_row(name, _state(row), Text(row.note, style="dim"))
    return table


def show_status(board: Snapshot) -> None:
    """The table of processes."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("process", "pid", "state", "restarts", "memory", "address"):
        table.add_column(column, justify="right" if column in ("pid", "restarts", "memory") else "left", no_wrap=True)
    table.add_column("")
    for name, row in {**board.rows, "runner": Row(State.READY, board.runner)}.items():
        if row.state is not State.DONE:
            pid = str(row.identity.pid) if row.identity else ""
            held = f"{memory(row.identity, family=name != 'runner') / 2**20:.0f} MB" if row.identity else ""
            table.add_row(name, pid, _state(row), str(row.restarts), held, row.url, Text(row.note, style="dim"))
    console.print(table)


def show_failure(board: Snapshot | None, logs: Iterable[Path]) -> None:
    """Why a start failed, with the end of the logs that tell more."""
    console.print(f"[bold red]The stack did not start.[/] {board.reason if board else ''}", soft_wrap=True)
    for log in logs:
        console.print(f"\n[bold]{log}[/]", soft_wrap=True)
        for line in log.read_text(errors="replace").splitlines()[-20:]:
            console.print(line, markup=False, soft_wrap=True)


def show_logs(logs: list[Path], *, lines: int, follow: bool) -> None:
    """The last lines of each log, and with `follow` whatever is added, until interrupted."""
    files = [(log.stem, log.open(errors="replace"), _PALETTE[n % len(_PALETTE)]) for n, log in enumerate(logs)]
    width = max((len(name) for name, _, _ in files), default=0)
    for name, file, colour in files:
        for line in file.readlines()[-lines:]:
            _log_line(name.ljust(width), line, colour)
    while follow:
        for name, file, colour in files:
            for line in file:
                _log_line(name.ljust(width), line, colour)
        time.sleep(0.2)


def _log_line(name: str, line: str, colour: str) -> None:
    console.print(Text.assemble((f"{name} │ ", colour), line.rstrip("\n")), soft_wrap=True)


def _state(row: Row) -> Text:
    return Text(row.state, style=_COLOURS.get(row.state, "cyan"))
