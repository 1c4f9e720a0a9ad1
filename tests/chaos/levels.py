"""What a process holds: its connections and its open files."""

import psutil

from ..stack import Stack
from .history import History


def tell(stack: Stack, history: History) -> None:
    """A note `level` for each process of our own."""
    for name in stack.urls:
        identity = stack.board.rows[name].identity
        assert identity is not None  # all are well when this is asked
        history.note("runner", "level", {"service": name, **levels_of(identity.pid)})


def levels_of(pid: int) -> dict[str, int]:
    """By the names that the checker's `GROWTH` has."""
    process = psutil.Process(pid)
    connections = len(process.net_connections("tcp"))
    return {"connections": connections, "descriptors": process.num_fds(), "threads": process.num_threads()}
