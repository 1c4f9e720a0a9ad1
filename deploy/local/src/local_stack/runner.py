"""The runner: starts the whole stack in the right order, keeps it running, and ends it.

It is a process of its own (`python -m local_stack.runner`); `up` starts it in the background and watches its board.
PostgreSQL and Kafka start side by side, all migrations side by side, then all services and the gateway. These wait by
themselves for a broker that is not there yet: so their own start, which is dear, overlaps with the broker's.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

from local_stack import addresses, jars
from local_stack.addresses import Addresses
from local_stack.board import Board, Phase, Snapshot, State
from local_stack.health import http_trouble
from local_stack.kafka import Kafka
from local_stack.locks import Taken, locked
from local_stack.migrated import Migrated
from local_stack.paths import Workspace
from local_stack.plan import GATEWAY, Plan, Ports
from local_stack.ports import first_free, free_ports, is_free
from local_stack.postgres import Postgres
from local_stack.processes import Command, end, marked
from local_stack.seed import Seed
from local_stack.supervised import StartFailed, Supervised, Unit, end_politely

ALREADY_RUNS = 3
"""Exit code of a runner that found another one at work."""
_GATEWAY_PORT = 8080
Step = asyncio.Task[None]


def main(workspace: Workspace) -> int:
    """Run until told to stop. Returns the exit code: 0 stopped, 1 could not start, `ALREADY_RUNS`."""
    try:
        with locked(workspace.state / "lock", wait=False):
            end_leftovers(workspace)
            _begin_logs(workspace)
            return asyncio.run(Runner(workspace).run())
    except Taken:
        return ALREADY_RUNS


def end_leftovers(workspace: Workspace) -> int:
    """End what an earlier runner left behind, if anything; returns how many processes that were."""
    last = Snapshot.read(workspace.state / "board.json")
    recorded = [row.identity for row in last.rows.values() if row.identity and row.identity.process()] if last else []
    end(recorded)
    unrecorded = marked(workspace.mark)
    end(unrecorded)
    return len(recorded) + len(unrecorded)


def _begin_logs(workspace: Workspace) -> None:
    """Each start has its own logs; those of the start before are kept beside them."""
    workspace.log("runner").parent.mkdir(exist_ok=True)
    for log in workspace.log("runner").parent.glob("*.log"):
        if log != workspace.log("runner"):
            log.replace(log.with_suffix(".log.1"))


class Runner:
    """One life of the stack. With `STOA_LOCAL_FOR_TESTS` set its broker starts fast and is slower later, and no other
    stack takes the gateway's port while that is away."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._for_tests = "STOA_LOCAL_FOR_TESTS" in os.environ
        self._board = Board(workspace.state / "board.json")
        self._servers: list[Supervised] = []
        self._processes: list[Supervised] = []

    async def run(self) -> int:
        """Start, then run until SIGTERM or SIGINT; whatever happens, nothing is left running."""
        life, loop, code = asyncio.create_task(self._live()), asyncio.get_running_loop(), 0
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, life.cancel)
        try:
            await life
        except asyncio.CancelledError:
            self._board.phase(Phase.STOPPING)
        except Exception as error:  # whatever went wrong: say it, and leave nothing running
            self._board.phase(Phase.FAILED, _reason(error))
            code = 1
        await self._stop()
        if code == 0:
            self._board.phase(Phase.STOPPED)
        return code

    async def _live(self) -> None:
        await self._start()
        self._board.phase(Phase.READY)
        await asyncio.Event().wait()

    async def _start(self) -> None:
        self._board.phase(Phase.STARTING)
        seed = Seed.kept_in(self._workspace.state)
        given = addresses.given(seed)
        services = self._workspace.services()
        ports = iter(free_ports(3 + 2 * len(services) + 2))  # all at once: what is not taken yet could be given twice
        postgres, kafka = self._own(seed, ports)
        own = Addresses(postgres.dsn, kafka.bootstrap, kafka.admin.username, kafka.admin.password, seed.value)
        plan = Plan(given or own, self._ports(services, ports))
        plan.save(self._workspace.state / "plan.json")
        migrated = Migrated(None if given else postgres.folder)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._topics(plan, None if given else kafka))
            databases = group.create_task(self._databases(plan, None if given else postgres))
            for service in plan.services:
                group.create_task(self._service(service, plan, migrated, databases))
            if GATEWAY in plan.ports:
                group.create_task(self._gateway(plan))

    def _own(self, seed: Seed, ports: Iterator[int]) -> tuple[Postgres, Kafka]:
        """The two servers, prepared by nobody yet."""
        state, before = self._workspace.state, addresses.advertised()
        postgres = Postgres(state / "postgres", next(ports), seed.password("postgres"), advertised=before.postgres)
        kafka = Kafka(
            state / "kafka",
            next(ports),
            next(ports),
            seed.password("kafka:admin"),
            jars.class_path(),
            for_tests=self._for_tests,
            advertised=before.kafka,
        )
        return postgres, kafka

    def _ports(self, services: Sequence[str], free: Iterator[int]) -> dict[str, Ports]:
        ports = {service: Ports(next(free), next(free)) for service in services}
        if self._workspace.has_gateway():
            port, metrics = next(free), next(free)
            ports[GATEWAY] = Ports(port if self._for_tests else first_free(_GATEWAY_PORT), metrics)
        return ports

    async def _databases(self, plan: Plan, postgres: Postgres | None) -> None:
        if postgres:
            await self._server("postgres", postgres)
        await plan.addresses.provision_databases({service: service for service in plan.services})

    async def _topics(self, plan: Plan, kafka: Kafka | None) -> None:
        if kafka:
            await self._server("kafka", kafka)
        await plan.addresses.provision_users(list(plan.ports))
        await self._job("topics", plan.create_topics(self._workspace))

    async def _server(self, name: str, server: Postgres | Kafka) -> None:
        self._board.set(name, state=State.WORKING)
        await asyncio.to_thread(server.prepare)
        command = server.command(self._workspace.log(name))
        unit = Unit(name, command, server.trouble, server.address, interval=10, prepare=server.prepare)
        await self._supervise(self._servers, unit)

    async def _service(self, name: str, plan: Plan, migrated: Migrated, databases: Step) -> None:
        self._board.set(name, state=State.WAITING)
        await databases
        migrations = self._workspace.migrations(name)
        if not migrated.knows(name, migrations):
            await self._job(name, plan.migrate(name, self._workspace))
            migrated.note(name, migrations)
        await self._serve(name, plan)

    async def _gateway(self, plan: Plan) -> None:
        """Its port is wanted by others too: when one of them was faster, it moves to the next."""
        self._board.set(GATEWAY, state=State.WAITING)
        while True:
            try:
                return await self._serve(GATEWAY, plan)
            except StartFailed:
                if is_free(plan.ports[GATEWAY].http):
                    raise
            plan = plan.with_gateway_at(first_free(_GATEWAY_PORT))
            plan.save(self._workspace.state / "plan.json")

    async def _serve(self, name: str, plan: Plan) -> None:
        port, command = plan.ports[name].http, plan.serve(name, self._workspace)
        unit = Unit(name, command, lambda: http_trouble(port), plan.url(name))
        await self._supervise(self._processes, unit)

    async def _supervise(self, among: list[Supervised], unit: Unit) -> None:
        supervised = Supervised(unit, self._board, self._workspace.mark)
        among.append(supervised)
        await supervised.ready()

    async def _job(self, name: str, command: Command) -> None:
        """Run to the end; raises `StartFailed` unless it ends well."""
        self._board.set(name, state=State.WORKING, note=" ".join(command.argv[-2:]))
        with command.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command.argv, stdout=log, stderr=log, **command.options(self._workspace.mark)
            )
        try:
            code = await process.wait()
        finally:
            await end_politely(process, command.stop_signal)
        if code != 0:
            self._board.set(name, state=State.FAILED, note=f"ended with code {code}")
            raise StartFailed(f"{' '.join(command.argv[-2:])} ended with code {code}; see {command.log}")
        self._board.set(name, state=State.DONE, note="")

    async def _stop(self) -> None:
        """The services first, while their servers still answer; then the servers; then whatever those left."""
        for group in (self._processes, self._servers):
            await asyncio.gather(*(supervised.stop() for supervised in group))
        await asyncio.to_thread(end, marked(self._workspace.mark))


def _reason(error: BaseException) -> str:
    """The first cause of a failed start: tasks that waited for one that failed repeat its error."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, subprocess.CalledProcessError):
        return f"{error.cmd[0]}: {error.stderr.decode(errors='replace')[:1000]}"
    return str(error) or repr(error)


if __name__ == "__main__":
    sys.exit(main(Workspace.current()))
