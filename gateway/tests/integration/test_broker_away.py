"""A broker that dies and comes back, with its data or without: no gap for anybody, or an honest reset."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chassis.health import Status
from chassis.kafka.connection import Kafka
from chassis.kafka.topics import create_topics
from chassis.testing.tokens import TestKeys, a_caller
from chassis.testing.topics import small_topics
from chassis.testing.waiting import eventually
from contracts.gateway.topics import FEED
from local_stack import jars, kafka, ports
from local_stack.processes import start

from ..feed_stage import Publisher, an_organisation, listening
from ..stage import Replica, replica, settings_for

PASSWORD = "only-for-this-test"  # of a broker that lives as long as the test, on the loopback interface
pytestmark = pytest.mark.timeout(240)


class OwnBroker:
    """A broker of this test's own, which it may kill."""

    def __init__(self, folder: Path) -> None:
        port, controller_port = ports.free_ports(2)
        self._log = folder / "broker.log"
        self._broker = kafka.Kafka(folder / "kafka", port, controller_port, PASSWORD, jars.class_path(), for_tests=True)
        self._process: subprocess.Popen[bytes] | None = None
        admin = self._broker.admin
        self.kafka = Kafka(self._broker.address, admin.username, admin.password, "", "test")

    async def start(self) -> None:
        self._broker.prepare()
        self._process = start(self._broker.command(self._log), str(self._broker.folder))

        async def answers() -> bool:
            return await self._broker.trouble() is None

        await eventually(answers, within=90)
        await create_topics(self.kafka, small_topics(but=FEED))

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def lose_data(self) -> None:
        shutil.rmtree(self._broker.folder / "data")


@pytest.fixture(scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnBroker]:
    made = OwnBroker(tmp_path_factory.mktemp("broker"))
    await made.start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
async def gateway(broker: OwnBroker) -> AsyncIterator[Replica]:
    values = {
        "kafka_bootstrap": broker.kafka.bootstrap,
        "kafka_username": broker.kafka.username,
        "kafka_password": broker.kafka.password,
    }
    async with replica(settings_for("http://127.0.0.1:1", **values), TestKeys()) as running:
        await eventually(running.healthy, within=30)
        yield running


async def test_a_killed_broker_costs_no_event_and_no_stream(broker: OwnBroker, gateway: Replica) -> None:
    caller = a_caller()

    async def noticed() -> bool:
        states = {part.name: part.health().status for part in gateway.components}
        return all(states[name] is Status.DEGRADED for name in ("feed-tail", "revocations", "gateway.feed"))

    async with listening(gateway.http, gateway.keys, caller) as stream:
        await stream.frame()
        broker.kill()
        await eventually(noticed, within=30)
        assert (await gateway.http.get("/health/ready")).status_code == 200
        await broker.start()
        async with Publisher.to(broker.kafka) as publisher:
            for number in range(5):
                event = an_organisation(caller.org_id, str(number))
                await publisher.publish(event, org_id=caller.org_id, key=caller.org_id, sequence=number + 1)
        names: dict[str, None] = {}
        while len(names) < 5:
            names[(await stream.event(30)).data["data"]["name"]] = None
        assert list(names) == ["0", "1", "2", "3", "4"]
        await eventually(gateway.healthy, within=30)


async def test_a_broker_that_lost_its_data_lets_all_clients_go_and_resets_them(
    broker: OwnBroker, gateway: Replica
) -> None:
    caller = a_caller()
    async with listening(gateway.http, gateway.keys, caller) as stream:
        await stream.frame()
        broker.kill()
        broker.lose_data()
        await broker.start()
        await stream.ended(within=60)
    await eventually(gateway.healthy, within=60)
    async with listening(gateway.http, gateway.keys, caller, since=stream.last_id) as resumed:
        assert (await resumed.event()).data == {"reason": "position-foreign"}
        async with Publisher.to(broker.kafka) as publisher:
            await publisher.publish(an_organisation(caller.org_id), org_id=caller.org_id, key=caller.org_id)
        assert (await resumed.event(30)).data["data"]["name"] == "Acme"
