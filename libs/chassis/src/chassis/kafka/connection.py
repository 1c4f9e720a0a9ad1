"""How this process reaches Kafka: addresses, credentials and the namespace of its topics and groups."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from chassis.kafka.broken import heed_closed_connections
from chassis.kafka.committed import heed_errors_of_offset_fetches
from chassis.settings import ProcessSettings

heed_errors_of_offset_fetches()
heed_closed_connections()

READING: dict[str, Any] = {
    # An idle consumer asks so often; a record that comes is answered at once. Whatever else is asked on the same
    # connection, e.g. the end of a topic, waits behind a fetch that waits.
    "fetch_max_wait_ms": 3_000,
    # The fetcher looks round so often unasked. All that it waits for wakes it, and each look costs as much as a
    # heartbeat: at aiokafka's 200 ms they were a third of an idle process.
    "consumer_timeout_ms": 2_000,
}
"""Settings of every consumer."""
MEMBERSHIP: dict[str, Any] = {
    "session_timeout_ms": 6_000,
    "heartbeat_interval_ms": 2_000,
    # Waiting for a server that is away, however long, must not cost the membership: progress is watched elsewhere.
    "max_poll_interval_ms": 24 * 3600 * 1000,
}
"""Settings of every consumer in a group."""


@dataclass
class _Look:
    """The last look at the broker's topics: consumers that start together ask once."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    began: float = 0.0
    present: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Kafka:
    """Connection settings. `namespace` is a prefix of every topic and group, so that suites can share a broker."""

    bootstrap: str
    username: str
    password: str
    namespace: str
    client_id: str
    _looked: _Look = field(default_factory=_Look, repr=False, compare=False)

    @classmethod
    def of(cls, settings: ProcessSettings, *, client_id: str) -> "Kafka":
        """As the settings say."""
        password = settings.kafka_password.get_secret_value() if settings.kafka_password else ""
        return cls(
            settings.kafka_bootstrap, settings.kafka_username or "", password, settings.kafka_namespace, client_id
        )

    def topic(self, name: str) -> str:
        return self.namespace + name

    def contract_topic(self, name: str) -> str:
        """The reverse of `topic`."""
        return name.removeprefix(self.namespace)

    @property
    def connection_settings(self) -> dict[str, Any]:
        return {
            "bootstrap_servers": self.bootstrap.split(","),
            "client_id": self.client_id,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-256",
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
        }

    def producer(self) -> AIOKafkaProducer:
        """An idempotent producer with `acks=all`. It retries for ever while the broker is away.

        It does not linger: what is sent in one go, or while a request is under way, goes together anyway.
        """
        return AIOKafkaProducer(
            **self.connection_settings, acks="all", enable_idempotence=True, max_request_size=1_048_576
        )

    def tail(self, *topics: str, **settings: Any) -> AIOKafkaConsumer:
        """A consumer without a group, for those who keep their own position. Topics are contract names."""
        names = [self.topic(topic) for topic in topics]
        return AIOKafkaConsumer(
            *names,
            **self.connection_settings,
            enable_auto_commit=False,
            **READING,
            **settings,
        )

    def admin(self) -> AIOKafkaAdminClient:
        return AIOKafkaAdminClient(**self.connection_settings, request_timeout_ms=10_000)

    async def cluster_id(self) -> str:
        """Which broker's data this is: another id means other data. Raises KafkaError or TimeoutError when it does not
        answer."""
        admin = self.admin()
        try:
            async with asyncio.timeout(10):
                await admin.start()
                found: str = (await admin.describe_cluster())["cluster_id"]
        finally:
            await admin.close()
        return found

    async def missing_topics(self, topics: Iterable[str]) -> list[str]:
        """Which of `topics` (contract names) the broker does not have. Raises KafkaError when it does not answer."""
        asked = time.monotonic()
        async with self._looked.lock:
            if self._looked.began < asked:
                began = time.monotonic()
                self._looked.present = await self._present()
                self._looked.began = began
        return sorted(name for name in topics if self.topic(name) not in self._looked.present)

    async def _present(self) -> frozenset[str]:
        admin = self.admin()
        async with asyncio.timeout(10):
            await admin.start()
        try:
            return frozenset(await admin.list_topics())
        finally:
            await admin.close()
