"""PostgreSQL and Kafka as one pair in one folder, for tests: started at once, ended together."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

from local_stack import jars, postgres
from local_stack.addresses import Addresses
from local_stack.health import untroubled
from local_stack.kafka import Kafka
from local_stack.locks import locked
from local_stack.paths import passing_folder, passing_folders, state_folder
from local_stack.ports import free_ports
from local_stack.postgres import Postgres
from local_stack.processes import Command, Identity, end, marked, start
from local_stack.seed import Seed

SESSIONS = "test-sessions"
"""Folder of the pairs that end with the process that started them."""
_START_SECONDS = 60


class BackendDied(Exception):
    """A server ended or did not answer in time; the message carries the end of its log."""


class Servers:
    """One pair, started and stopped by whoever holds this object, or stopped by a later process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._record = folder / "servers.json"
        self._started: list[subprocess.Popen[bytes]] = []

    @classmethod
    def kept(cls) -> Self:
        """The pair that outlives its starter."""
        return cls(state_folder() / "test-backends")

    @classmethod
    def shared(cls) -> Addresses:
        """Those of the pair that outlives its starter, started unless it runs (two callers start one pair)."""
        kept = cls.kept()
        with locked(state_folder() / "test-backends.lock", wait=True):
            return kept.addresses if kept.running else kept.start(outlive=True)

    @classmethod
    def of_this_process(cls) -> Self:
        """The pair that ends with this process."""
        me = Identity.of(os.getpid())
        return cls(passing_folder(SESSIONS) / f"{me.pid} {me.started}")

    @classmethod
    def sweep(cls) -> None:
        """Clear away the pairs whose process ended without doing so."""
        for folder in (one for place in passing_folders(SESSIONS) for one in place.glob("* *")):
            pid, started = folder.name.split()
            if Identity(int(pid), float(started)).process() is None:
                cls(folder).stop()

    @property
    def running(self) -> bool:
        """Whether both processes of the record are alive."""
        identities = self._identities()
        return bool(identities) and all(identity.process() for identity in identities)

    @property
    def addresses(self) -> Addresses:
        """Those of the recorded pair. Raises `FileNotFoundError` when there is none."""
        return Addresses(**json.loads(self._record.read_text())["addresses"])

    def start(self, *, outlive: bool = False) -> Addresses:
        """Start both at once and wait until both answer. Raises `BackendDied`.

        Raises `RuntimeError` when the pair runs: a second start would end it under those who use it.
        """
        if self.running:
            raise RuntimeError(f"the servers in {self._folder} run already")
        self.stop()
        self._folder.mkdir(parents=True, exist_ok=True)
        seed = Seed.kept_in(self._folder)
        port, kafka_port, controller_port = free_ports(3)
        database = Postgres(self._folder / "postgres", port, seed.password("postgres"), durable=False)
        admin_password, class_path = seed.password("kafka:admin"), jars.class_path()
        broker = Kafka(self._folder / "kafka", kafka_port, controller_port, admin_password, class_path, for_tests=True)
        with ThreadPoolExecutor(2) as pool:
            for prepared in [pool.submit(server.prepare) for server in (database, broker)]:
                prepared.result()
        admin = broker.admin
        addresses = Addresses(database.dsn, broker.address, admin.username, admin.password, seed.value)
        self._launch([database.command(self._log("postgres")), broker.command(self._log("kafka"))], outlive, addresses)
        self._wait(_both(database, broker))
        return addresses

    def stop(self) -> None:
        """End the pair, whoever started it, and delete its folder."""
        end(self._identities())
        end(marked(str(self._folder)))
        for process in self._started:
            process.wait()
        postgres.discard(self._folder / "postgres")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _launch(self, commands: list[Command], outlive: bool, addresses: Addresses) -> None:
        mark = str(self._folder)
        self._started = [start(replace(command, outlives_parent=outlive), mark) for command in commands]
        pairs = zip(self._started, commands, strict=True)
        processes = [asdict(Identity.of(process.pid, command.stop_signal)) for process, command in pairs]
        self._record.touch(mode=0o600)
        self._record.write_text(json.dumps({"addresses": asdict(addresses), "processes": processes}))

    def _wait(self, answer: Coroutine[Any, Any, None]) -> None:
        try:
            run_apart(asyncio.wait_for(answer, _START_SECONDS))
        except TimeoutError as error:
            ends = [f"{log.name}:\n{log.read_text()[-2000:]}" for log in sorted(self._folder.glob("*.log"))]
            self.stop()
            raise BackendDied("\n".join(ends)) from error

    def _identities(self) -> list[Identity]:
        if not self._record.exists():
            return []
        return [Identity(**process) for process in json.loads(self._record.read_text())["processes"]]

    def _log(self, server: str) -> Path:
        return self._folder / f"{server}.log"


def run_apart(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end on a loop in a thread of its own: tests may call from inside a running loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


async def _both(database: Postgres, broker: Kafka) -> None:
    await asyncio.gather(untroubled(database.trouble), untroubled(broker.trouble))
