"""A broker beside the one that all tests share, for those that kill it or take its data."""

import asyncio
import shutil
import subprocess
from pathlib import Path

from chassis.kafka.connection import Kafka
from chassis.testing.waiting import eventually
from local_stack import jars
from local_stack.kafka import Kafka as Broker
from local_stack.ports import free_ports
from local_stack.processes import start


class OwnBroker:
    """A broker that this test may kill."""

    def __init__(self, folder: Path) -> None:
        port, controller = free_ports(2)
        self._log = folder / "kafka.log"
        self._broker = Broker(
            folder / "kafka", port, controller, "secret of this test", jars.class_path(), for_tests=True
        )
        self._process: subprocess.Popen[bytes] | None = None

    def connection(self, client_id: str) -> Kafka:
        return Kafka(self._broker.address, self._broker.admin.username, self._broker.admin.password, "", client_id)

    async def start(self) -> None:
        await asyncio.to_thread(self._broker.prepare)
        self._process = start(self._broker.command(self._log), str(self._log))
        await eventually(self._answers, within=60)

    async def _answers(self) -> bool:
        return await self._broker.trouble() is None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def lose_data(self) -> None:
        shutil.rmtree(self._broker.folder / "data")
