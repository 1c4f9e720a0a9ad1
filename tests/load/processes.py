"""Processes that are measured: what they spend, and the baselines' programs."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import psutil

from chassis.testing.waiting import eventually
from local_stack.paths import REPOSITORY
from local_stack.ports import free_ports


def cpu_seconds(pids: Iterable[int]) -> float:
    """What these processes and their children have spent so far; of children that ended, what their parents keep."""
    spent = 0.0
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            spent += sum(sum(one.cpu_times()[:2]) for one in [process, *process.children(recursive=True)])
    return spent


def proportional_set_mb(pids: Iterable[int]) -> float:
    """Memory, what is shared counted in parts: PSS, in MiB."""
    return sum(psutil.Process(pid).memory_full_info().pss for pid in pids) / 2**20


@asynccontextmanager
async def baseline(name: str, *arguments: str) -> AsyncIterator[tuple[int, str]]:
    """Runs `tests.load.baselines.<name>`; its process id and the address at which it listens."""
    [port] = free_ports(1)
    words = [sys.executable, "-m", f"tests.load.baselines.{name}", str(port), *arguments]
    async with listening(port, *words) as pid:
        yield pid, f"http://127.0.0.1:{port}"


@asynccontextmanager
async def listening(port: int, *words: str) -> AsyncIterator[int]:
    """Runs a program until the block ends; its process id, once it listens on the port."""
    process = await asyncio.create_subprocess_exec(*words, cwd=REPOSITORY)

    async def listens() -> bool:
        if process.returncode is not None:
            raise ChildProcessError(f"{words} ended with {process.returncode}")
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", port)) == 0

    try:
        await eventually(listens)
        yield process.pid
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()
