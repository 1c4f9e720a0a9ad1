"""One process kept running: started, watched by its health, started again with growing pauses when it ends."""

import asyncio
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from local_stack.board import Board, State
from local_stack.health import Trouble, listens, untroubled
from local_stack.processes import Command, Identity

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0
"""Seconds before the first restart; doubled at each further one up to the longest."""
_STEADY = 3.0
"""Seconds after which a life was no crash at start, so that the pauses begin anew."""
_PATIENCE = 10.0
_HOPELESS = 3
"""Crashes before it was ever ready, after which a start has failed."""
_WRONG_SETTING = 78
"""`EX_CONFIG` of sysexits(3): starting again without a change does not help."""


class StartFailed(Exception):
    """A process that cannot be started; the message says which and why."""


@dataclass(frozen=True)
class Unit:
    """What to supervise. `trouble` is asked often until it is ready, and each `interval` seconds from then on.

    `prepare` is called before each restart: it may raise OSError or `subprocess.CalledProcessError`.
    """

    name: str
    command: Command
    trouble: Trouble
    url: str
    interval: float = 5.0
    prepare: Callable[[], None] = lambda: None


class Supervised:
    """Keeps one unit running until it is stopped. The board shows each change."""

    def __init__(self, unit: Unit, board: Board, mark: str) -> None:
        self._unit, self._board, self._mark = unit, board, mark
        self._was_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep_running(), name=unit.name)

    async def ready(self) -> None:
        """Wait until it was ready once. Raises `StartFailed` when it has crashed too often before."""
        await asyncio.shield(self._was_ready)

    async def stop(self) -> None:
        """End it and wait until it has ended."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._was_ready.cancel()

    async def _keep_running(self) -> None:
        clock, pause, crashes = asyncio.get_running_loop().time, FIRST_PAUSE, 0
        while True:
            began = clock()
            code = await self._run_once()
            crashes += 1
            if clock() - began > _STEADY:
                pause = FIRST_PAUSE
            if self._given_up(code, crashes):
                return
            restarts = self._board.row(self._unit.name).restarts + 1
            note = f"{_ending(code)}; again in {pause:g} s"
            self._show(State.CRASHED, identity=None, restarts=restarts, note=note)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            await self._prepare()

    async def _prepare(self) -> None:
        """What cannot be prepared is started all the same: it says itself what it lacks, and comes back here."""
        try:
            await asyncio.to_thread(self._unit.prepare)
        except (OSError, subprocess.CalledProcessError) as error:
            self._show(State.CRASHED, note=str(error))

    async def _run_once(self) -> int:
        """One life, from start to exit code; ended politely when this task is cancelled."""
        with self._unit.command.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *self._unit.command.argv, stdout=log, stderr=log, **self._unit.command.options(self._mark)
            )
        identity = _identity(process.pid, self._unit.command.stop_signal)
        self._show(State.STARTING, identity=identity, url=self._unit.url, note="")
        watching = asyncio.create_task(self._watch(process.pid))
        watching.add_done_callback(self._watched)
        try:
            return await process.wait()
        except asyncio.CancelledError:
            watching.cancel()
            await end_politely(process, self._unit.command.stop_signal)
            self._show(State.STOPPED, identity=None, note="")
            raise
        finally:
            watching.cancel()

    async def _watch(self, pid: int) -> None:
        async def missing() -> str | None:
            trouble = await self._unit.trouble()
            if trouble is None and self._unit.url.startswith("http://") and not listens(pid, self._unit.url):
                return "does not listen"  # asked last: it reads the table of all connections
            return trouble

        await untroubled(missing, lambda line: self._show(State.STARTING, note=line))
        self._show(State.READY, note="")
        if not self._was_ready.done():
            self._was_ready.set_result(None)
        while True:
            await asyncio.sleep(self._unit.interval)
            trouble = await self._unit.trouble()
            if (trouble or "") != self._board.row(self._unit.name).note:
                self._show(State.UNHEALTHY if trouble else State.READY, note=trouble or "")

    def _watched(self, watching: "asyncio.Task[None]") -> None:
        error = None if watching.cancelled() else watching.exception()
        if error is None:
            return
        self._show(self._board.row(self._unit.name).state, note=repr(error))
        if not self._was_ready.done():
            self._was_ready.set_exception(StartFailed(f"{self._unit.name}: {error}"))

    def _given_up(self, code: int, crashes: int) -> bool:
        """Never of what was ready once: its settings are good, so what refuses it now passes, e.g. a taken port."""
        if self._was_ready.done() or (code != _WRONG_SETTING and crashes < _HOPELESS):
            return False
        note = f"{_ending(code)}; see {self._unit.command.log}"
        self._show(State.FAILED, identity=None, note=note)
        self._was_ready.set_exception(StartFailed(f"{self._unit.name} {note}"))
        return True

    def _show(self, state: State, **changes: object) -> None:
        self._board.set(self._unit.name, state=state, **changes)


async def end_politely(process: asyncio.subprocess.Process, stop_signal: signal.Signals) -> None:
    """Ask our own child to stop; kill it when it does not."""
    if process.returncode is not None:
        return
    process.send_signal(stop_signal)
    try:
        await asyncio.wait_for(process.wait(), _PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()


def _identity(pid: int, stop_signal: signal.Signals) -> Identity | None:
    try:
        return Identity.of(pid, stop_signal)
    except psutil.NoSuchProcess:
        return None  # it ended at once; its exit code tells the rest


def _ending(code: int) -> str:
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
