"""Named points at which a process can be made to die, to show that nothing is lost or doubled there.

`STOA_CRASH_POINT=relay.acked` arms one point. `STOA_CRASH_MARK` names a file that is made just before the process dies:
a point whose file exists does not fire again, so that the restarted process goes on.
"""

import os
import signal
from pathlib import Path

_ARMED = os.environ.get("STOA_CRASH_POINT")
_MARK = os.environ.get("STOA_CRASH_MARK")


def crash_point(name: str) -> None:
    """Ends this process with SIGKILL if `name` is armed and has not fired yet; else does nothing."""
    if name != _ARMED or _MARK is None or Path(_MARK).exists():
        return
    Path(_MARK).write_text(name)
    os.kill(os.getpid(), signal.SIGKILL)
