"""PostgreSQL and Kafka alone, for tests: `with Backends() as backends: backends.service_environment("chats")`.

In this order: servers whose addresses the environment names (`STOA_POSTGRES_ADMIN_DSN`, `STOA_KAFKA_BOOTSTRAP` with
the administrator's `STOA_KAFKA_USERNAME` and `STOA_KAFKA_PASSWORD`), servers that `python -m local_stack backends
start` or an earlier run with `STOA_KEEP_BACKENDS=1` left running, else new ones that end with the context.
"""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local_stack import databases, jars, kafka_users, postgres
from local_stack.kafka import Kafka
from local_stack.kafka_users import Credentials
from local_stack.paths import state_folder
from local_stack.ports import free_ports
from local_stack.postgres import Postgres
from local_stack.processes import Command, Identity, end, marked, start
from local_stack.seed import Seed

START_SECONDS = 60


class BackendDied(Exception):
    """A server ended or did not answer in time; the message carries the end of its log."""


@dataclass(frozen=True)
class Addresses:
    """Where the two servers are, who administers them, and the seed of all other passwords."""

    postgres_admin_dsn: str
    kafka_bootstrap: str
    kafka_username: str | None
    kafka_password: str | None
    seed: str

    def environment(self) -> dict[str, str]:
        """As settings: with these in the environment, `Backends` uses the same servers."""
        found = {
            "STOA_POSTGRES_ADMIN_DSN": self.postgres_admin_dsn,
            "STOA_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "STOA_KAFKA_USERNAME": self.kafka_username,
            "STOA_KAFKA_PASSWORD": self.kafka_password,
            "STOA_SEED": self.seed,
        }
        return {name: value for name, value in found.items() if value is not None}

    @property
    def kafka_admin(self) -> Credentials | None:
        """None for an open cluster, which knows no users."""
        if self.kafka_username is None or self.kafka_password is None:
            return None
        return Credentials(self.kafka_username, self.kafka_password)


def addresses_from_environment(seed: Seed) -> Addresses | None:
    """The servers that the environment names, both or none."""
    dsn, bootstrap = os.environ.get("STOA_POSTGRES_ADMIN_DSN"), os.environ.get("STOA_KAFKA_BOOTSTRAP")
    if not dsn or not bootstrap:
        return None
    user, password = os.environ.get("STOA_KAFKA_USERNAME"), os.environ.get("STOA_KAFKA_PASSWORD")
    return Addresses(dsn, bootstrap, user, password, os.environ.get("STOA_SEED", seed.value))


class Backends:
    """The two servers for the length of a `with` block. Entering raises `BackendDied` when one does not come up."""

    def __init__(self) -> None:
        self._servers: Servers | None = None

    def __enter__(self) -> Self:
        kept = Servers.kept()
        given = addresses_from_environment(Seed.kept_in(state_folder()))
        if given or kept.running:
            self.addresses = given or kept.addresses
        elif os.environ.get("STOA_KEEP_BACKENDS") == "1":
            self.addresses = kept.start(outlive=True)
        else:
            Servers.sweep()
            self._servers = Servers.of_this_process()
            self.addresses = self._servers.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._servers is not None:
            self._servers.stop()

    def service_environment(self, service: str, *, namespace: str = "", database: str | None = None) -> dict[str, str]:
        """The service's `STOA_*` settings. Makes its database, three roles and Kafka user unless they are there.

        `database` is the service's name unless given (a suite takes its own); `namespace` goes before all topics and
        groups. Raises `asyncpg.PostgresError`, `OSError` or `kafka_users.UsersNotMade`.
        """
        seed, name = Seed(self.addresses.seed), database or service
        _run_apart(databases.provision(self.addresses.postgres_admin_dsn, {name: service}, seed))
        return {
            "STOA_ENVIRONMENT": "development",
            "STOA_ENCRYPTION_KEYS": seed.encryption_keys(),
            "STOA_KAFKA_NAMESPACE": namespace,
            **databases.addresses(self.addresses.postgres_admin_dsn, service, name, seed),
            **self._kafka_environment(service, seed),
        }

    def drop_database(self, database: str) -> None:
        """Remove a database, whoever is connected."""
        _run_apart(databases.drop(self.addresses.postgres_admin_dsn, database))

    def _kafka_environment(self, service: str, seed: Seed) -> dict[str, str]:
        bootstrap, admin = self.addresses.kafka_bootstrap, self.addresses.kafka_admin
        if admin is None:
            return {"STOA_KAFKA_BOOTSTRAP": bootstrap}
        user = Credentials(service, seed.password(f"kafka:{service}"))
        if service == admin.username:
            user = admin
        else:
            _run_apart(kafka_users.provision(bootstrap, admin, [user]))
        return {
            "STOA_KAFKA_BOOTSTRAP": bootstrap,
            "STOA_KAFKA_USERNAME": user.username,
            "STOA_KAFKA_PASSWORD": user.password,
        }


class Servers:
    """One pair of servers in one folder, started and stopped by whoever holds this object, or by a later process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._record = folder / "servers.json"
        self._started: list[subprocess.Popen[bytes]] = []

    @classmethod
    def kept(cls) -> Self:
        """The pair that outlives its starter."""
        return cls(state_folder() / "test-backends")

    @classmethod
    def of_this_process(cls) -> Self:
        """The pair that ends with this process."""
        me = Identity.of(os.getpid())
        return cls(_sessions() / f"{me.pid} {me.started}")

    @classmethod
    def sweep(cls) -> None:
        """Clear away the pairs whose process ended without doing so."""
        for folder in _sessions().glob("* *"):
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
        """Start both at once and wait until both answer. Raises `BackendDied`."""
        self.stop()
        self._folder.mkdir(parents=True, exist_ok=True)
        seed = Seed.kept_in(self._folder)
        port, kafka_port, controller_port = free_ports(3)
        database = Postgres(self._folder / "postgres", port, seed.password("postgres"), durable=False)
        broker = Kafka(
            self._folder / "kafka", kafka_port, controller_port, seed.password("kafka:admin"), jars.class_path()
        )
        with ThreadPoolExecutor(2) as pool:
            for prepared in [pool.submit(server.prepare) for server in (database, broker)]:
                prepared.result()
        self._launch([database.command(self._log("postgres")), broker.command(self._log("kafka"))], outlive)
        admin = broker.admin
        addresses = Addresses(database.dsn, broker.bootstrap, admin.username, admin.password, seed.value)
        self._write(addresses)
        self._wait(asyncio.wait_for(_both(database, broker), START_SECONDS))
        return addresses

    def stop(self) -> None:
        """End the pair, whoever started it, and delete its folder."""
        end(self._identities())
        end(marked(str(self._folder)))
        for process in self._started:
            process.wait()
        postgres.discard(self._folder / "postgres")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _launch(self, commands: list[Command], outlive: bool) -> None:
        mark = str(self._folder)
        self._started = [start(replace(command, outlives_parent=outlive), mark) for command in commands]
        self._launched = [
            Identity.of(process.pid, command.stop_signal)
            for process, command in zip(self._started, commands, strict=True)
        ]

    def _write(self, addresses: Addresses) -> None:
        processes = [asdict(identity) for identity in self._launched]
        self._record.touch(mode=0o600)
        self._record.write_text(json.dumps({"addresses": asdict(addresses), "processes": processes}))

    def _wait(self, answer: Coroutine[Any, Any, None]) -> None:
        try:
            _run_apart(answer)
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


def _sessions() -> Path:
    return state_folder() / "test-sessions"


async def _both(database: Postgres, broker: Kafka) -> None:
    await asyncio.gather(database.ready(), broker.ready())


def _run_apart(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end on a loop in a thread of its own: tests may call from inside a running loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()
