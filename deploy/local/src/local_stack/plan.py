"""What a stack consists of: which processes, on which ports, with which settings. Written down for later commands."""

import json
import os
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from local_stack.addresses import Addresses
from local_stack.paths import Workspace
from local_stack.processes import Command

GATEWAY = "gateway"
_OF_THE_RUNNER = (
    "STOA_POSTGRES_ADMIN_DSN",
    "STOA_POSTGRES_ADVERTISED",
    "STOA_KAFKA_ADVERTISED",
    "STOA_LOCAL_FOR_TESTS",
    "STOA_SEED",
    "STOA_WORKSPACE",
    "STOA_STATE_DIR",
)


@dataclass(frozen=True)
class Ports:
    """Where one process listens: its API and its metrics."""

    http: int
    metrics: int


@dataclass(frozen=True)
class Plan:
    """One start of the stack. `ports` holds each service's and, where there is one, the gateway's."""

    addresses: Addresses
    ports: dict[str, Ports]

    @property
    def services(self) -> list[str]:
        """All but the gateway."""
        return [name for name in self.ports if name != GATEWAY]

    def url(self, process: str) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.ports[process].http}"

    def with_gateway_at(self, port: int) -> Self:
        """The same plan with the gateway on another port."""
        return replace(self, ports={**self.ports, GATEWAY: replace(self.ports[GATEWAY], http=port)})

    def serve(self, process: str, workspace: Workspace) -> Command:
        """How to run a service or the gateway."""
        return self._python(process, [process, "serve"], workspace)

    def migrate(self, service: str, workspace: Workspace) -> Command:
        """How to bring a service's database to its newest schema."""
        return self.command(service, ["migrate"], workspace)

    def command(self, service: str, words: list[str], workspace: Workspace) -> Command:
        """How to run a command of a service with the settings it has here."""
        return self._python(service, [service, *words], workspace)

    def create_topics(self, workspace: Workspace) -> Command:
        """How to make the topics, as the administrator."""
        admin = self.addresses.kafka_admin
        settings = self.addresses.settings_of(admin.username if admin else "topics")
        return _command(["chassis.kafka.topics"], settings, "topics", workspace)

    def _python(self, process: str, words: list[str], workspace: Workspace) -> Command:
        ports, is_gateway = self.ports[process], process == GATEWAY
        settings = {
            **self.addresses.settings_of(process, database=None if is_gateway else process),
            "STOA_HTTP_PORT": str(ports.http),
            "STOA_METRICS_PORT": str(ports.metrics),
            **({"STOA_JWKS_URL": f"{self.url('auth')}/.well-known/jwks.json"} if "auth" in self.ports else {}),
        }
        if is_gateway:
            settings["STOA_UPSTREAMS"] = json.dumps({service: self.url(service) for service in self.services})
            settings["STOA_SLOT"] = "0"
        return _command(words, settings, process, workspace)

    def save(self, path: Path) -> None:
        """For its owner alone: it holds passwords."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises `FileNotFoundError` when none was saved."""
        kept = json.loads(path.read_text())
        ports = {name: Ports(**numbers) for name, numbers in kept["ports"].items()}
        return cls(Addresses(**kept["addresses"]), ports)


def _command(words: list[str], settings: dict[str, str], process: str, workspace: Workspace) -> Command:
    """The workspace's own folders are kept off the import path (-P): `gateway/` there is a folder, not the package."""
    inherited = {name: value for name, value in os.environ.items() if name not in _OF_THE_RUNNER}
    return Command(
        [sys.executable, "-P", "-m", *words],
        folder=workspace.root,
        log=workspace.log(process),
        environment={**inherited, "PYTHONUNBUFFERED": "1", **settings},
    )
