"""Named points at which a process can be made to die, to show that nothing is lost or doubled there.

`STOA_CRASH_FOLDER` names a folder. While it holds a file with the name of this process (the module that it runs, e.g.
`agent`) and the name of a point as its text, e.g. `relay.acked`, the process renames the file to `….fired` and dies
with SIGKILL when it passes that point. So a point fires once, and can be armed while the process runs. Without the
variable nothing is looked at.
"""

import os
import signal
import sys
from pathlib import Path

_FOLDER = os.environ.get("STOA_CRASH_FOLDER")
_PROCESS = sys.orig_argv[sys.orig_argv.index("-m") + 1] if "-m" in sys.orig_argv else ""


def crash_point(name: str) -> None:
    """Ends this process with SIGKILL if `name` is armed for it; else does nothing."""
    if _FOLDER is None:
        return
    armed = Path(_FOLDER, _PROCESS)
    try:
        if armed.read_text() != name:
            return
        armed.rename(f"{armed}.fired")
    except FileNotFoundError:  # nothing is armed, or a second process of the same name was faster
        return
    os.kill(os.getpid(), signal.SIGKILL)
