"""A second set of the processes beside the stack, whose way to PostgreSQL and Kafka can be opened later."""

import asyncio
import subprocess
from dataclasses import replace

import httpx

from local_stack.paths import Workspace
from local_stack.plan import Plan, Ports
from local_stack.ports import free_ports
from local_stack.processes import Command, start

from ..stack import HTTP, Stack

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
    """Replicas with topics and ports of their own, on the stack's databases; PostgreSQL and Kafka are behind doors."""

    def __init__(self, stack: Stack) -> None:
        plan = stack.plan
        self._stack = stack
        numbers = iter(free_ports(2 * len(plan.ports) + 2))
        ports = {process: Ports(next(numbers), next(numbers)) for process in plan.ports}
        servers = plan.addresses
        database = servers.postgres_admin_dsn.rpartition("@")[2].partition("/")[0]
        self.database = Doorway(next(numbers), database)
        self.broker = Doorway(next(numbers), servers.kafka_bootstrap.partition(",")[0])
        behind = replace(
            servers,
            postgres_admin_dsn=servers.postgres_admin_dsn.replace(database, self.database.address),
            kafka_bootstrap=self.broker.address,
        )
        self.plan = Plan(behind, ports)
        self._workspace = Workspace(stack.workspace.root, stack.workspace.state / "lonely")
        self._mark = stack.workspace.mark
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    async def prepare(self) -> None:
        """Makes the topics, by the open way."""
        command = self._stack.plan.create_topics(self._workspace)
        topics = replace(command, environment={**command.environment, "STOA_KAFKA_NAMESPACE": NAMESPACE})
        assert await asyncio.to_thread(lambda: start(topics, self._mark).wait()) == 0

    def start(self) -> None:
        """All of them, as the local stack would."""
        for process in self.plan.ports:
            self.running[process] = start(self._command(process), self._mark)

    def ask(self, process: str, path: str) -> httpx.Response | None:
        """None while nobody listens."""
        try:
            return HTTP.get(f"{self.plan.url(process)}{path}")
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

    def _command(self, process: str) -> Command:
        command = self.plan.serve(process, self._workspace)
        return replace(command, environment={**command.environment, "STOA_KAFKA_NAMESPACE": NAMESPACE})
