"""The board: what every process of the stack is doing, written to one file by the runner and read by everybody else.

The file is also the record by which processes are known again after the runner is gone.
"""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from local_stack.processes import Identity


class Phase(StrEnum):
    """Where the stack as a whole is."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    STOPPING = "stopping"
    STOPPED = "stopped"


class State(StrEnum):
    """Where one process is. A job (migration, topics) is `working`, then `done`; a server goes the other way."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    STARTING = "starting"
    READY = "ready"
    UNHEALTHY = "unhealthy"
    CRASHED = "crashed"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Row:
    """One process. `note` says what a state alone does not: the exit code, the pause before the next start."""

    state: State = State.WAITING
    identity: Identity | None = None
    restarts: int = 0
    url: str = ""
    note: str = ""


@dataclass(frozen=True)
class Snapshot:
    """The whole board at one moment; `reason` is set when the phase is `failed`."""

    runner: Identity
    phase: Phase = Phase.STARTING
    reason: str = ""
    rows: dict[str, Row] = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        """Whether its runner runs."""
        return self.runner.process() is not None

    def culprits(self) -> list[str]:
        """Who keeps the stack from being ready: those that failed, or where none has, those that are not ready yet."""
        failed = [name for name, row in self.rows.items() if row.state is State.FAILED]
        return failed or [name for name, row in self.rows.items() if row.state not in (State.READY, State.DONE)]

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The last one written, None when there never was one."""
        try:
            kept = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        rows = {name: _row(values) for name, values in kept["rows"].items()}
        return cls(Identity(**kept["runner"]), Phase(kept["phase"]), kept["reason"], rows)


class Board:
    """The runner's side: each change is written at once, whole, and told in a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._now = Snapshot(Identity.of(os.getpid()))

    def phase(self, phase: Phase, reason: str = "") -> None:
        """Set the phase of the whole."""
        self._now = replace(self._now, phase=phase, reason=reason)
        _tell("stack", phase, reason)
        self._write()

    def set(self, process: str, **changes: Any) -> Row:
        """Change a process's row; the fields not named stay."""
        row = replace(self._now.rows.get(process, Row()), **changes)
        self._now = replace(self._now, rows={**self._now.rows, process: row})
        _tell(process, row.state, row.note)
        self._write()
        return row

    def row(self, process: str) -> Row:
        """A process's row as it is now."""
        return self._now.rows.get(process, Row())

    def _write(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self._now)))
        fresh.replace(self._path)


def _tell(subject: str, state: str, note: str) -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    print(f"{now} {subject} {state}{': ' if note else ''}{note}", flush=True)


def _row(values: dict[str, Any]) -> Row:
    identity = values.pop("identity")
    return Row(**{**values, "state": State(values["state"])}, identity=Identity(**identity) if identity else None)
