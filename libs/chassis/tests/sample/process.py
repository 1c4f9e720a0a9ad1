"""The sample service as processes that tests freeze and kill.

`python -m libs.chassis.tests.sample.process <role>` with settings in the environment; the roles stand in `_main`.
"""

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from chassis.logging import set_up_logging
from chassis.migrations import upgrade
from chassis.operations.outbox import replay_lost_broker
from chassis.testing.processes import Forked

from .copies import copying
from .deadly import deadly
from .deaf import serve_deaf
from .stage import Stage, noting

PROCESS = "libs.chassis.tests.sample.process"
"""The module that a process of the sample service runs."""


@contextmanager
def process(settings: Mapping[str, str], *arguments: str, **more: str) -> Iterator[Forked]:
    """A process of the sample service, killed at the end if it still runs. `more` goes into its environment."""
    environment = {**os.environ, **settings, **more}
    started = Forked(PROCESS, *arguments, environment=environment, preload=[Stage.__module__])
    try:
        yield started
    finally:
        started.kill()


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
