"""The whole system, really running, for tests that span services: started once per test session.

    def test_something(stack: Stack) -> None:
        HTTP.get(f"{stack.url}/api/v1/…")

Tests isolate themselves by new organisations. Whoever harms the stack (kills, freezes, takes the broker away) puts it
right again before the test ends: `stack.healthy()` waits for that.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import psutil

from local_stack import control, postgres
from local_stack.board import Phase, Row, Snapshot, State
from local_stack.kafka_users import client_settings
from local_stack.paths import REPOSITORY, Workspace, state_folder
from local_stack.plan import GATEWAY, Plan
from local_stack.processes import Identity

PATIENCE_S = 20.0

RECOVERY_S = 40.0
"""After a kill: the runner's growing pause, a start, and the session of the consumer that died."""

HTTP = httpx.Client(timeout=5, limits=httpx.Limits(max_keepalive_connections=0))
"""For requests that stand alone: `httpx.get` would make a client for each, and that takes 40 ms of processor time."""

T = TypeVar("T")


class NotInTime(AssertionError):
    """Something that was waited for did not happen."""


def eventually(look: Callable[[], T | None], what: str, seconds: float = PATIENCE_S) -> T:
    """Looks until it sees something true, and answers that. Raises NotInTime.

    What takes long is looked at less often: the looking takes processor time from what is waited for.
    """
    began = time.monotonic()
    while (waited := time.monotonic() - began) < seconds:
        if found := look():
            return found
        time.sleep(min(max(waited / 10, 0.02), 0.2))
    raise NotInTime(f"not within {seconds:g} s: {what}")


class Stack:
    """PostgreSQL, Kafka, every service and the gateway, in a state folder of their own."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._crashes = workspace.state / "crashes"

    @classmethod
    def of_this_process(cls) -> Self:
        """One whose folder names this process, so that a later session can clear it away if this one is killed."""
        me = Identity.of(os.getpid())
        state = _sessions() / f"{me.pid} {me.started}"
        state.mkdir(parents=True)
        return cls(Workspace(REPOSITORY, state))

    @classmethod
    def sweep(cls) -> None:
        """Ends and deletes the stacks of sessions that were killed."""
        for folder in _sessions().glob("* *"):
            pid, started = folder.name.split()
            if Identity(int(pid), float(started)).process() is None:
                cls(Workspace(REPOSITORY, folder)).stop()

    def start(
        self, advertised: Mapping[str, str] | None = None, *, for_tests: bool = False, crash_points: bool = True
    ) -> None:
        """Starts all and returns when all are healthy. `advertised`: host and port of what stands before a server.

        `for_tests`: a broker that starts fast and has no optimising compiler. `crash_points=False`: none can be armed,
        and to pass one costs nothing. Raises NotInTime with the logs' ends.
        """
        self._crashes.mkdir()
        before = {f"STOA_{server.upper()}_ADVERTISED": address for server, address in (advertised or {}).items()}
        before |= {"STOA_LOCAL_FOR_TESTS": "1"} if for_tests else {}
        before |= {"STOA_CRASH_FOLDER": str(self._crashes)} if crash_points else {}
        with _environment(**before):
            boards = list(control.start(self.workspace))
        last = boards[-1] if boards else None
        if last is None or last.phase is not Phase.READY:
            raise NotInTime(self._why_not(last))

    def stop(self) -> None:
        """Ends all and deletes the folder."""
        control.stop(self.workspace)
        postgres.discard(self.workspace.state / "postgres")
        shutil.rmtree(self.workspace.state)

    @property
    def plan(self) -> Plan:
        """Ports, addresses and settings of every process."""
        return Plan.load(self.workspace.state / "plan.json")

    @property
    def url(self) -> str:
        """The gateway's, through which clients see everything."""
        return self.plan.url(GATEWAY)

    @property
    def urls(self) -> dict[str, str]:
        """The address of each process of our own, the gateway included."""
        plan = self.plan
        return {process: plan.url(process) for process in plan.ports}

    @property
    def owns_servers(self) -> bool:
        """Whether PostgreSQL and Kafka are the stack's own, so that a test may take them away."""
        return {"postgres", "kafka"} <= self.board.rows.keys()

    def listens_at(self, server: str) -> str | None:
        """Host and port of a server of the stack's own, past whatever stands before it; None before it is started."""
        found = control.snapshot(self.workspace)
        row = found.rows.get(server) if found else None
        return row.url or None if row else None

    @property
    def kafka(self) -> dict[str, Any]:
        """How a client of aiokafka reaches the broker, as its administrator."""
        addresses = self.plan.addresses
        return {"bootstrap_servers": addresses.kafka_bootstrap, **client_settings(addresses.kafka_admin)}

    def settings_of(self, process: str) -> dict[str, str]:
        """The `STOA_*` settings with which the process runs."""
        environment = self.plan.serve(process, self.workspace).environment
        return {name: value for name, value in environment.items() if name.startswith("STOA_")}

    def execute(self, service: str, *words: str) -> None:
        """Does what an operator does at a shell: `python -m <service> …`. Raises CalledProcessError."""
        command = self.plan.command(service, list(words), self.workspace)
        subprocess.run(command.argv, cwd=command.folder, env=dict(command.environment), check=True, capture_output=True)

    @property
    def board(self) -> Snapshot:
        """What the runner says of each process now."""
        found = control.snapshot(self.workspace)
        if found is None:
            raise NotInTime("the stack does not run")
        return found

    def log(self, process: str) -> list[dict[str, Any]]:
        """The lines that a process of our own has written, those of its earlier lives included."""
        text = self.workspace.log(process).read_text(errors="replace")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]

    def healthy(self, seconds: float = RECOVERY_S) -> None:
        """Waits until every process is running and says itself that it is ready."""
        eventually(self.is_well, "all processes are well", seconds)

    def kill(self, process: str) -> None:
        """SIGKILL, as the kernel does it when memory runs out. The runner starts the process again."""
        self._process(process).kill()

    def signal(self, process: str, number: signal.Signals) -> None:
        """One that ends it: SIGTERM asks a service to, SIGQUIT ends PostgreSQL at once. Returns when it has ended."""
        asked = self._process(process)
        asked.send_signal(number)
        eventually(lambda: not asked.is_running() or asked.status() == psutil.STATUS_ZOMBIE, f"{process} ends")

    @contextmanager
    def frozen(self, *processes: str) -> Iterator[None]:
        """These stand still, with their children, for the length of the block, as on a host that swaps."""
        leaders = [self._process(process) for process in processes]
        stopped = leaders + [child for leader in leaders for child in leader.children(recursive=True)]
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        try:
            yield
        finally:
            for process in stopped:
                with suppress(psutil.NoSuchProcess):  # the test may have killed it meanwhile
                    process.resume()

    @contextmanager
    def unattended(self) -> Iterator[None]:
        """For the length of the block nobody starts again what has ended."""
        runner = psutil.Process(self.board.runner.pid)
        runner.suspend()
        try:
            yield
        finally:
            runner.resume()

    @contextmanager
    def armed(self, process: str, point: str) -> Iterator[Callable[[], bool]]:
        """The process dies when it next passes the crash point, once; the value tells whether it has."""
        armed, fired = self._crashes / process, self._crashes / f"{process}.fired"
        fired.unlink(missing_ok=True)
        armed.write_text(point)
        try:
            yield fired.exists
        finally:
            armed.unlink(missing_ok=True)

    def runs_since(self, process: str) -> float | None:
        """When the process that runs was started (seconds since 1970, right to a second); None when none runs."""
        identity = self.board.rows[process].identity
        return identity.started if identity is not None and identity.process() is not None else None

    def ready_since(self, process: str) -> float | None:
        """The same, but None unless the process says itself that it is ready."""
        since = self.runs_since(process)
        return since if since is not None and _ready(self.urls[process]) else None

    def is_well(self) -> bool:
        """Whether every process is running and says itself that it is ready."""
        return all(_runs(row) for row in self.board.rows.values()) and all(_ready(url) for url in self.urls.values())

    def _process(self, process: str) -> psutil.Process:
        def running() -> psutil.Process | None:
            identity = self.board.rows[process].identity
            return identity.process() if identity else None

        return eventually(running, f"{process} runs")

    def _why_not(self, last: Snapshot | None) -> str:
        ends = [
            f"{log.name}:\n{log.read_text(errors='replace')[-2000:]}"
            for log in sorted(self.workspace.log("runner").parent.glob("*.log"))
        ]
        return "\n\n".join([f"the stack did not start: {last.reason if last else 'no board'}", *ends])


def _ready(url: str) -> bool:
    """Asked here, since the board is up to three seconds old."""
    try:
        return HTTP.get(f"{url}/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def _runs(row: Row) -> bool:
    """Ready, and the process that was ready is still the one that runs."""
    if row.state is State.DONE:
        return True
    return row.state is State.READY and row.identity is not None and row.identity.process() is not None


def _sessions() -> Path:
    return state_folder() / "test-stacks"


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
