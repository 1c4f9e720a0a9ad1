"""A process whose event loop stands still ends; one that was frozen and wakes up goes on."""

import asyncio
import signal
import sys

CODE = """
import asyncio
import sys
import time
from chassis.logging import set_up_logging
from chassis.watchdog import Watchdog

async def blocks_for(seconds: float) -> None:
    time.sleep(seconds)

async def main() -> None:
    with Watchdog(limit_s=1.0).watching():
        print("ready", flush=True)
        while True:
            words = (await asyncio.to_thread(sys.stdin.readline)).split()
            if words[0] == "end":
                return
            await blocks_for(float(words[1]))
            print("went on", flush=True)

set_up_logging("watched")
asyncio.run(main())
"""


async def watched() -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", CODE, stdin=pipe, stdout=pipe)
    await written(process, b"ready")
    return process


async def written(process: asyncio.subprocess.Process, text: bytes) -> bytes:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        while text not in (line := await process.stdout.readline()):
            assert line, "it ended"
    return line


def tell(process: asyncio.subprocess.Process, words: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(words + b"\n")


async def test_a_process_whose_loop_is_blocked_ends_and_says_where() -> None:
    process = await watched()
    tell(process, b"block 60")
    line = await written(process, b"process.loop_blocked")
    assert b"in blocks_for" in line
    async with asyncio.timeout(10):
        assert await process.wait() == 70


async def test_a_process_whose_loop_is_blocked_for_a_moment_goes_on() -> None:
    process = await watched()
    tell(process, b"block 0.3")
    await written(process, b"went on")
    tell(process, b"end")
    async with asyncio.timeout(10):
        assert await process.wait() == 0


async def test_a_process_that_was_frozen_for_longer_than_the_limit_goes_on() -> None:
    process = await watched()
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(3)  # as long as the machine is to be suspended
    process.send_signal(signal.SIGCONT)
    tell(process, b"block 0.1")
    await written(process, b"went on")
    tell(process, b"end")
    async with asyncio.timeout(10):
        assert await process.wait() == 0
