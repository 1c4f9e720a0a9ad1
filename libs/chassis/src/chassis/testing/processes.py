"""Processes that tests freeze and kill, forked from a server that has imported their code: a start costs little."""

import importlib
import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from chassis import crash_points

_FORKS = multiprocessing.get_context("forkserver")


class Forked:
    """`python -m <module> <arguments>` with that environment; its output goes to the end of `log`, else to ours.

    `preload`: modules that are imported once for all of them. What the first of a test run names holds for the others,
    which import the rest themselves.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        environment: Mapping[str, str],
        preload: Sequence[str] = (),
        log: Path | None = None,
    ) -> None:
        _FORKS.set_forkserver_preload([__name__, *preload])
        self._process = _FORKS.Process(target=_run, args=(module, arguments, dict(environment), log))
        self._process.start()

    def poll(self) -> int | None:
        """The exit code, negative for the signal that ended it; None while it runs."""
        return self._process.exitcode

    def wait(self) -> int:
        """Waits until it has ended, and answers its exit code."""
        self._process.join()
        return self._process.exitcode or 0

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, unless it has ended."""
        if self._process.pid is not None and self.poll() is None:
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """Kills it, if it runs, frozen or not, and waits for its end."""
        self._process.kill()
        self._process.join()


def _run(module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path | None) -> None:
    if log is not None:
        with log.open("ab") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    sys.orig_argv = [sys.executable, "-m", *sys.argv]
    importlib.reload(crash_points)  # it looks at the environment once, when it is imported
    runpy.run_module(module, run_name="__main__")
