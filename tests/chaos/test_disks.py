"""A disk that is filled is really full, and has its room again."""

import asyncio
import errno
from functools import partial
from pathlib import Path
from random import Random

import pytest

from local_stack.paths import REPOSITORY, Workspace

from ..stack import Stack, eventually
from . import disks
from .disks import fill


async def test_a_filled_disk_takes_no_byte_and_has_room_afterwards(tmp_path: Path) -> None:
    with disks.of_their_own(Stack(Workspace(REPOSITORY, tmp_path))) as own:
        if not own:
            pytest.skip("this process may not mount a file system")
        for server, disk in own.items():
            assert (tmp_path / server).resolve() == disk
            filling = asyncio.create_task(fill({server: disk}, Random(1), 1, 1))
            await asyncio.to_thread(eventually, partial(refused, disk), f"the disk of {server} is full")
            told = await filling
            assert told["producer"] == server
            assert not refused(disk)


def refused(disk: Path) -> bool:
    """Whether it has no room for one more file."""
    more = disk / "more"
    try:
        more.write_bytes(b"1")
    except OSError as error:
        return error.errno == errno.ENOSPC
    finally:
        more.unlink(missing_ok=True)
    return False
