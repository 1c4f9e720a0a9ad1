"""What the command line does to a stack: start its runner, watch the board, end everything, run migrations again."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

from local_stack.board import Phase, Snapshot
from local_stack.paths import Workspace
from local_stack.plan import Plan
from local_stack.processes import end
from local_stack.runner import ALREADY_RUNS, end_leftovers

START_SECONDS = 180
_STOP_SECONDS = 40


class NotRunning(Exception):
    """There is no running stack."""


def snapshot(workspace: Workspace) -> Snapshot | None:
    """The board of the running stack, None when none runs."""
    found = Snapshot.read(workspace.state / "board.json")
    return found if found and found.alive else None


def start(workspace: Workspace) -> Iterator[Snapshot]:
    """Start the stack unless it runs; yields the board as it changes, until it is ready or has failed.

    Raises `TimeoutError` after `START_SECONDS`.
    """
    runner = None if snapshot(workspace) else _launch(workspace)
    deadline, last = time.monotonic() + START_SECONDS, None
    while time.monotonic() < deadline:
        now = Snapshot.read(workspace.state / "board.json")
        if now and now != last and (runner is None or now.runner.pid == runner.pid):
            last = now
            yield now
        if last and (last.phase in (Phase.READY, Phase.FAILED, Phase.STOPPED) or not last.alive):
            return
        if runner and runner.poll() == ALREADY_RUNS:
            runner = None  # another call was faster: watch its runner
        time.sleep(0.05)
    raise TimeoutError(f"not ready after {START_SECONDS} s")


def stop(workspace: Workspace) -> int:
    """End the stack, its runner first; returns how many processes the runner had left behind, if it was killed."""
    last = Snapshot.read(workspace.state / "board.json")
    if last:
        end([last.runner], patience=_STOP_SECONDS)
    return end_leftovers(workspace)


def migrate(workspace: Workspace) -> None:
    """Bring every service's database to its newest schema, one after the other, output to the terminal.

    Raises `NotRunning`, or `subprocess.CalledProcessError` from the first that fails.
    """
    if not snapshot(workspace):
        raise NotRunning("the stack does not run: `make up` starts it, migrations included")
    plan = Plan.load(workspace.state / "plan.json")
    for service in plan.services:
        command = plan.migrate(service, workspace)
        print(f"{service}: migrate", flush=True)
        subprocess.run(command.argv, cwd=command.folder, env=dict(command.environment), check=True)


def _launch(workspace: Workspace) -> "subprocess.Popen[bytes]":
    """The runner, on its own: no terminal, own session, so that it outlives this command."""
    log = workspace.log("runner")
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "local_stack.runner"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=workspace.root,
            env={**os.environ, "STOA_WORKSPACE": str(workspace.root), "STOA_STATE_DIR": str(workspace.state)},
            start_new_session=True,
        )
