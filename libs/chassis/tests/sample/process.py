"""The sample service as processes that tests freeze and kill.

`python -m libs.chassis.tests.sample.process <role>` with settings in the environment; the roles stand in `_main`.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from chassis.logging import set_up_logging
from chassis.migrations import upgrade
from chassis.operations.outbox import replay_lost_broker

from .copies import copying
from .deadly import deadly
from .deaf import serve_deaf
from .stage import Stage, noting

CHECKOUT = Path(__file__).parents[4]
PROCESS = "libs.chassis.tests.sample.process"
"""The module that a process of the sample service runs."""


@contextmanager
def process(settings: Mapping[str, str], *arguments: str, **more: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of the sample service, killed at the end if it still runs. `more` goes into its environment."""
    started = subprocess.Popen(
        [sys.executable, "-m", PROCESS, *arguments], cwd=CHECKOUT, env={**os.environ, **settings, **more}
    )
    try:
        yield started
    finally:
        started.send_signal(signal.SIGCONT)
        started.kill()
        started.wait()


async def _main() -> None:
    set_up_logging("sample", "info")
    stage = Stage(dict(os.environ))
    match sys.argv[1:]:
        case ["make", thing_id, name]:
            await stage.make(name, UUID(thing_id))
        case ["relay"]:
            await stage.relay().run()
        case ["owner"]:
            await asyncio.gather(*(part.run() for part in stage.owning()))
        case ["rebuilder"]:
            await stage.rebuilding(copying()).run()
        case ["worker"]:
            await asyncio.gather(*(part.run() for part in stage.consuming(noting())))
        case ["replay"]:
            async with stage.raw() as connection, connection.transaction():
                await replay_lost_broker(connection, stage.kafka)
        case ["deadly"]:
            await asyncio.gather(*(part.run() for part in stage.consuming(*deadly())))


def migrate(environment: Mapping[str, str]) -> None:
    upgrade(
        Path(__file__).parent / "migrations",
        owner_dsn=environment["STOA_DATABASE_OWNER_DSN"],
        dsn=environment["STOA_DATABASE_DSN"],
        system_dsn=environment["STOA_DATABASE_SYSTEM_DSN"],
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["migrate"]:
        migrate(os.environ)
    elif sys.argv[1:] == ["deaf"]:
        sys.exit(serve_deaf(Stage(dict(os.environ))))
    else:
        asyncio.run(_main())
