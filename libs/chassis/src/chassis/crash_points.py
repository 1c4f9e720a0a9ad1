"""Named points at which a process can be made to die, to show that nothing is lost or doubled there.

`STOA_CRASH_FILE` names a file. While it holds `<process> <point>`, e.g. `agent relay.acked` (or `* relay.acked` for
whoever comes first; a process is the module that it runs), the first to pass that point renames the file to `….fired`
and dies with SIGKILL. So a point fires once, and can be armed while all run. Without the variable nothing is looked at.
"""

import os
import signal
import sys
from pathlib import Path

_FILE = os.environ.get("STOA_CRASH_FILE")
_PROCESS = sys.orig_argv[sys.orig_argv.index("-m") + 1] if "-m" in sys.orig_argv else ""


def crash_point(name: str) -> None:
    """Ends this process with SIGKILL if `name` is armed for it; else does nothing."""
    if _FILE is None:
        return
    try:
        process, _, point = Path(_FILE).read_text().strip().partition(" ")
        if point != name or process not in ("*", _PROCESS):
            return
        Path(_FILE).rename(f"{_FILE}.fired")
    except FileNotFoundError:  # nothing is armed, or another process was faster
        return
    os.kill(os.getpid(), signal.SIGKILL)
