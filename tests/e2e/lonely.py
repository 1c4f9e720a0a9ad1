"""A second set of the processes beside the stack, whose way to PostgreSQL and Kafka can be opened later."""

import asyncio
import subprocess
from dataclasses import replace

import httpx

from local_stack.addresses import Addresses
from local_stack.paths import Workspace
from local_stack.plan import GATEWAY, Plan, Ports
from local_stack.ports import free_ports
from local_stack.processes import Command, start

from ..stack import Stack

NAMESPACE = "lonely-"


class Doorway:
    """A TCP port that leads to a server once it is open; before, nobody listens there."""

    def __init__(self, port: int, server: str) -> None:
        self.port = port
        self._host, _, self._target = server.rpartition(":")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def open(self) -> asyncio.Server:
        return await asyncio.start_server(self._pass, "127.0.0.1", self.port)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._host, int(self._target))
        await asyncio.gather(_pump(reader, back), _pump(there, writer), return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


class Lonely:
    """Own databases, topics and ports; PostgreSQL and Kafka are behind doors."""

    def __init__(self, stack: Stack) -> None:
        plan = stack.plan
        numbers = iter(free_ports(2 * len(plan.ports) + 2))
        ports = {process: Ports(next(numbers), next(numbers)) for process in plan.ports}
        self._servers = plan.addresses
        database = self._servers.postgres_admin_dsn.rpartition("@")[2].partition("/")[0]
        self.database, self.broker = (
            Doorway(next(numbers), server) for server in (database, self._servers.kafka_bootstrap.partition(",")[0])
        )
        behind = replace(
            self._servers,
            postgres_admin_dsn=self._servers.postgres_admin_dsn.replace(database, self.database.address),
            kafka_bootstrap=self.broker.address,
        )
        self.plan = Plan(behind, ports)
        self._workspace = Workspace(stack.workspace.root, stack.workspace.state / "lonely")
        self._mark = stack.workspace.mark
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    async def prepare(self) -> None:
        """Makes databases and topics, by the open way."""
        await self._servers.provision_databases({_database(service): service for service in self.plan.services})
        near = Plan(self._servers, self.plan.ports)
        jobs = [self._own(near.migrate(name, self._workspace), self._servers, name) for name in near.services]
        topics = near.create_topics(self._workspace)
        jobs.append(replace(topics, environment={**topics.environment, "STOA_KAFKA_NAMESPACE": NAMESPACE}))
        codes = await asyncio.gather(*(asyncio.to_thread(self._run, job) for job in jobs))
        assert codes == [0] * len(jobs)

    def start(self) -> None:
        """All of them, as the local stack would."""
        for process in self.plan.ports:
            command = self._own(self.plan.serve(process, self._workspace), self.plan.addresses, process)
            self.running[process] = start(command, self._mark)

    def ask(self, process: str, path: str) -> httpx.Response | None:
        """None while nobody listens."""
        try:
            return httpx.get(f"{self.plan.url(process)}{path}", timeout=2)
        except httpx.TransportError:
            return None

    def log(self, process: str) -> str:
        """What the process has written."""
        return self._workspace.log(process).read_text()

    def end(self) -> dict[str, int]:
        """Asks each to stop; answers their exit codes."""
        for process in self.running.values():
            process.terminate()
        return {name: process.wait(15) for name, process in self.running.items()}

    def _run(self, command: Command) -> int:
        return start(command, self._mark).wait()

    def _own(self, command: Command, servers: Addresses, process: str) -> Command:
        database = None if process == GATEWAY else _database(process)
        settings = servers.settings_of(process, database=database, namespace=NAMESPACE)
        return replace(command, environment={**command.environment, **settings})


def _database(service: str) -> str:
    return f"{service}-lonely"
