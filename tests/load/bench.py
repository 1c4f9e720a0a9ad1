"""What every measure works with: the running system, somebody who may use it, and a place to tell how far it is."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

from chassis.settings import ServiceSettings
from chassis.testing.service import settled
from local_stack.backends import Backends
from services.agent.tests.model_server import ModelServer

from ..chaos.models import settings_for
from ..people import Organisation
from ..stack import Stack
from .turns import REPEATS, Side, Turns, in_turn

MODEL_S = 0.1
"""How long the stand-in for a model takes to answer."""

S = TypeVar("S", bound=ServiceSettings)


@dataclass
class Bench:
    """`log` takes a line of progress."""

    stack: Stack
    log: Callable[[str], None]
    repeats: int = REPEATS

    def __post_init__(self) -> None:
        self._began = time.monotonic()

    @cached_property
    def organisation(self) -> Organisation:
        """One with its founder, for all measures."""
        return Organisation.founded(self.stack.url)

    @property
    def token(self) -> str:
        return self.organisation.founder.token

    def say(self, text: str) -> None:
        self.log(f"{time.monotonic() - self._began:6.1f} s  {text}")

    async def in_turn(self, what: str, sides: dict[str, Side]) -> Turns:
        """Measures the sides by turns."""
        return await in_turn(sides, lambda repeat: self.say(f"{what}: {repeat}"), self.repeats)

    def admin_dsn(self, database: str) -> str:
        """Of the administrator, who passes all rules of the databases."""
        dsn, _, options = self.stack.plan.addresses.postgres_admin_dsn.partition("?")
        return f"{dsn.rpartition('/')[0]}/{database}?{options}"

    @asynccontextmanager
    async def database_of(self, service: str, settings: type[S]) -> AsyncIterator[S]:
        """Settings of the service with a database and topics of its own, on the servers of the stack: nobody else reads
        or sends what is written there."""
        with Backends(self.stack.plan.addresses) as backends:
            database = settled(backends, service, settings)
            made = await asyncio.to_thread(database.__enter__)
            try:
                yield made
            finally:
                await asyncio.to_thread(database.__exit__, None, None, None)

    def pid_of(self, process: str) -> int:
        """The process id of a process of our own, or of a server."""
        identity = self.stack.board.rows[process].identity
        if identity is None:
            raise LookupError(f"{process} does not run")
        return identity.pid

    def keep_logs(self, folder: Path) -> None:
        """Copies what the processes have written: it ends with the system."""
        try:
            shutil.copytree(self.stack.workspace.log("runner").parent, folder, dirs_exist_ok=True)
        except OSError as error:
            self.say(f"the logs are not kept: {error}")

    async def until_idle(self) -> None:
        """Waits until every process is well, after something was asked of them."""
        await asyncio.to_thread(self.stack.healthy)


@asynccontextmanager
async def begun(repeats: int = REPEATS) -> AsyncIterator[Bench]:
    """A system of its own, with a stand-in for the model that agents ask, since another one would be measured too."""
    os.environ.pop("STOA_POSTGRES_ADMIN_DSN", None)  # servers that somebody else uses would be measured with them
    os.environ.pop("STOA_KAFKA_BOOTSTRAP", None)
    Stack.sweep()
    stack = Stack.of_this_process()
    async with ModelServer.listening() as server:
        server.delay = lambda: MODEL_S
        try:
            with patch.dict(os.environ, settings_for(server)):
                await asyncio.to_thread(stack.start, crash_points=False)
            bench = Bench(stack, _tell, repeats)
            await asyncio.to_thread(lambda: bench.organisation)
            yield bench
        finally:
            await asyncio.to_thread(stack.stop)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
