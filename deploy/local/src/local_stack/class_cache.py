"""Makes the cache of what the broker's Java loads and links (JEP 483, 514): with it a start takes half the time.

It is recorded while a broker starts and stops, and belongs to the environment. Java passes over one that does not fit
its jars.
"""

import asyncio
import shutil
import subprocess
import tempfile
from pathlib import Path

from local_stack.health import untroubled
from local_stack.kafka import CLASS_CACHE, Kafka
from local_stack.ports import free_ports
from local_stack.processes import start

_START_SECONDS = 60


class NoClassCache(Exception):
    """The broker did not start, or ended without leaving a cache; the message carries the end of its log."""


def make(class_path: str) -> None:
    """Takes about ten seconds. Raises NoClassCache, and `subprocess.CalledProcessError` when formatting fails."""
    CLASS_CACHE.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="stoa-") as name:
        folder = Path(name)
        port, controller_port = free_ports(2)
        broker = Kafka(folder / "kafka", port, controller_port, "for a moment", class_path, for_tests=True)
        broker.prepare()
        made = folder / "classes"
        log = folder / "log"
        process = start(broker.command(log, f"-XX:AOTCacheOutput={made}"), str(folder))
        try:
            asyncio.run(asyncio.wait_for(untroubled(broker.trouble), _START_SECONDS))
            process.terminate()
            process.wait(_START_SECONDS)
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            process.kill()
            process.wait()
            raise NoClassCache(log.read_text()[-2000:]) from error
        if not made.exists():
            raise NoClassCache(log.read_text()[-2000:])
        CLASS_CACHE.parent.mkdir(exist_ok=True)
        shutil.move(made, CLASS_CACHE)
