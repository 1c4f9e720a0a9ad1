"""A second process of a service, beside the one that the runner keeps."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from local_stack.ports import free_ports

from .people import Json
from .stack import HTTP, RECOVERY_S, Stack, eventually


class Replica:
    """It has the slot after the first one's. `settings` are `STOA_*` settings that differ from the first one's."""

    def __init__(self, stack: Stack, name: str, **settings: str) -> None:
        http, metrics = free_ports(2)
        command = stack.plan.serve(name, stack.workspace)
        more = {"STOA_HTTP_PORT": str(http), "STOA_METRICS_PORT": str(metrics), "STOA_SLOT": "1", **settings}
        self.url = f"http://127.0.0.1:{http}"
        with command.log.with_suffix(".second.log").open("ab") as log:
            self._process = subprocess.Popen(
                command.argv, cwd=command.folder, env={**command.environment, **more}, stdout=log, stderr=log
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def checks(self) -> Json:
        """What it says of its parts."""
        checks: Json = HTTP.get(f"{self.url}/health/ready").json()["checks"]
        return checks

    @property
    def ready(self) -> bool:
        """Whether it is. Fails when it has ended."""
        assert self._process.poll() is None
        try:
            return HTTP.get(f"{self.url}/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """Kills it and waits for its end."""
        self._process.kill()
        self._process.wait()


@contextmanager
def second(stack: Stack, name: str, **settings: str) -> Iterator[Replica]:
    """Another process of this service, ready; killed at the end. Raises NotInTime."""
    replica = Replica(stack, name, **settings)
    try:
        eventually(lambda: replica.ready, f"a second {name} is ready", RECOVERY_S)
        yield replica
    finally:
        replica.kill()
