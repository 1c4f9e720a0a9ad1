"""Operating-system processes: how they are started, known again and ended.

A pid alone names nobody: it is used again. A process is known by its pid *and* its start time, and only a process that
still has both is ever signalled. Every child also carries `STOA_STACK=<state folder>` in its environment, so that one
which was started but not yet written down is found as well.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

MARK = "STOA_STACK"
_CLOCK_STEP = 2.0
"""Seconds by which a start time may seem to move: psutil adds it to the boot time, which follows clock corrections."""


@dataclass(frozen=True)
class Identity:
    """One process, for ever: pid and start time in seconds since 1970; and the signal that asks it to stop."""

    pid: int
    started: float
    stop_signal: int = signal.SIGTERM

    @classmethod
    def of(cls, pid: int, stop_signal: int = signal.SIGTERM) -> "Identity":
        """Raises `psutil.NoSuchProcess` when there is no such process."""
        return cls(pid, psutil.Process(pid).create_time(), stop_signal)

    def process(self) -> psutil.Process | None:
        """The running process, or None when it has ended (a zombie has ended; its pid may be another's now)."""
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.started) < _CLOCK_STEP
            return found if same and found.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


@dataclass(frozen=True)
class Command:
    """What to start: argument list, whole environment, folder, log file (appended), user id, polite stop signal."""

    argv: Sequence[str]
    folder: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    outlives_parent: bool = False

    def options(self, mark: str) -> dict[str, Any]:
        """Keyword arguments for `subprocess.Popen` and `asyncio.create_subprocess_exec`, output left to the caller.

        The child leads its own session, so that Ctrl-C in a terminal reaches the runner alone.
        """
        owner = {} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}
        return {
            "cwd": self.folder,
            "env": {**self.environment, MARK: mark},
            "stdin": subprocess.DEVNULL,
            "start_new_session": True,
            "preexec_fn": None if self.outlives_parent else _die_with_parent(self.stop_signal),
            **owner,
        }


def start(command: Command, mark: str) -> "subprocess.Popen[bytes]":
    """Start it, output to its log. Call from a thread that lives on: on Linux the child ends with that thread."""
    command.log.parent.mkdir(parents=True, exist_ok=True)
    with command.log.open("ab") as log:
        return subprocess.Popen(command.argv, stdout=log, stderr=subprocess.STDOUT, **command.options(mark))


def end(identities: Iterable[Identity], patience: float = 10) -> None:
    """Ask each to stop, and kill after `patience` seconds whoever has not. Returns when none is left."""
    running = list(identities)
    for identity in running:
        _signal(identity, identity.stop_signal)
    for identity in _still_running(running, patience):
        _signal(identity, signal.SIGKILL)
    _still_running(running, patience)


def _still_running(identities: Iterable[Identity], patience: float) -> list[Identity]:
    """Waits until none is left, at most `patience` seconds. A zombie is none: nobody may ever come to reap it."""
    deadline = time.monotonic() + patience
    while (left := [identity for identity in identities if identity.process()]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def marked(mark: str, *, below: bool = False) -> list[Identity]:
    """All running processes with this mark, this one excepted; with `below` those of state folders inside it too."""

    def ours(found: str | None) -> bool:
        return found == mark or (below and found is not None and found.startswith(mark + os.sep))

    return [
        Identity(process.pid, process.create_time())
        for process in psutil.process_iter()
        if process.pid != os.getpid() and ours(_mark_of(process))
    ]


def memory(identity: Identity, *, family: bool = True) -> int:
    """Bytes that a process and its descendants hold: proportional set size where the system tells it, else resident."""
    process = identity.process()
    if process is None:
        return 0
    return _memory(process) + (sum(_memory(child) for child in process.children(recursive=True)) if family else 0)


def _memory(process: psutil.Process) -> int:
    try:
        found = process.memory_full_info()
        return int(getattr(found, "pss", found.rss))
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK) if process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, OSError):
        return None  # ended meanwhile, or another user's, hence not ours


def _signal(identity: Identity, number: int) -> None:
    if process := identity.process():
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            return  # it has just ended, which is what was wanted


def _die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Second line of defence, Linux only: the kernel signals the child when its parent dies."""
    if sys.platform != "linux":
        return None
    parent, libc = os.getpid(), ctypes.CDLL(None, use_errno=True)

    def request() -> None:
        pr_set_pdeathsig = 1
        if libc.prctl(pr_set_pdeathsig, number) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
        if os.getppid() != parent:
            os._exit(1)  # the parent died before the request was made

    return request
