"""The fault `disk`: PostgreSQL's or Kafka's file system is full for a while, and then has room again."""

import asyncio
import errno
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import TypeAlias

from ..stack import Stack
from .history import Json

SORT = "disk"
SIZE = "1g"

Disks: TypeAlias = Mapping[str, Path]
"""By server, the root of a file system that holds its data and nothing else."""


@contextmanager
def of_their_own(stack: Stack) -> Iterator[Disks]:
    """Gives each server of a stack that is not started yet a small file system in memory. Where this process may not
    mount any (it takes root on Linux), there are none."""
    with ExitStack() as mounted:
        disks = {server: mounted.enter_context(_mounted()) for server in ("kafka", "postgres")} if _allowed() else {}
        for server, disk in disks.items():
            (stack.workspace.state / server).symlink_to(disk)
        yield disks


async def fill(disks: Disks, random: Random, at_least_s: float = 2, at_most_s: float = 10) -> Json:
    """One of them has no byte left for some seconds, whatever is deleted on it meanwhile. A server may end itself for
    it; it is started again until it can write."""
    server, seconds = random.choice(sorted(disks)), random.uniform(at_least_s, at_most_s)
    filler, until = disks[server] / "filler", time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            await asyncio.to_thread(_take_all, filler)
            await asyncio.sleep(0.1)
    finally:
        filler.unlink(missing_ok=True)
    return {"producer": server, "seconds": seconds}


def _take_all(filler: Path) -> None:
    with filler.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(2**20))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def _allowed() -> bool:
    try:
        with _mounted():
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextmanager
def _mounted() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="stoa-disk-") as made:
        folder = Path(made)
        folder.chmod(0o755)  # as root, PostgreSQL runs as somebody else and has to pass
        disk = folder / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "stoa", str(disk)]
        subprocess.run(mount, check=True, capture_output=True)
        try:
            yield disk
        finally:
            subprocess.run(["umount", "--lazy", str(disk)], check=True, capture_output=True)
