import secrets
from collections.abc import Iterator

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from local_stack import addresses, databases
from local_stack.backends import Backends
from local_stack.kafka_users import Credentials, client_settings
from local_stack.seed import Seed


@pytest.fixture
def database(backends: Backends) -> Iterator[str]:
    name = f"stack-test-{secrets.token_hex(4)}"
    yield name
    backends.drop_database(name)


async def test_the_owner_makes_tables_and_the_runtime_role_does_not(backends: Backends, database: str) -> None:
    settings = backends.service_environment("sample", database=database)
    owner = await asyncpg.connect(settings["STOA_DATABASE_OWNER_DSN"])
    await owner.execute("CREATE TABLE things (id int)")
    await owner.close()
    runtime = await asyncpg.connect(settings["STOA_DATABASE_DSN"])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await runtime.execute("CREATE TABLE others (id int)")
    await runtime.close()


async def test_only_the_system_role_passes_row_security(backends: Backends, database: str) -> None:
    backends.service_environment("sample", database=database)
    admin = await asyncpg.connect(backends.addresses.postgres_admin_dsn)
    rows = await admin.fetch(
        "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname ~ '^sample'"
    )
    await admin.close()
    assert {row["rolname"]: row["rolbypassrls"] for row in rows} == {
        "sample": False,
        "sample_owner": False,
        "sample_system": True,
    }
    assert not any(row["rolsuper"] or row["rolcreatedb"] or row["rolcreaterole"] for row in rows)


@pytest.mark.parametrize("role", ["STOA_DATABASE_DSN", "STOA_DATABASE_SYSTEM_DSN", "STOA_DATABASE_OWNER_DSN"])
async def test_no_role_connects_to_another_services_database(backends: Backends, database: str, role: str) -> None:
    backends.service_environment("sample", database=database)
    stranger = backends.addresses.settings_of("other", database=database)[role]
    await backends.addresses.provision_databases({"other": "other"})
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(stranger)


async def test_provisioning_again_changes_nothing(backends: Backends, database: str) -> None:
    first = backends.service_environment("sample", database=database)
    owner = await asyncpg.connect(first["STOA_DATABASE_OWNER_DSN"])
    await owner.execute("CREATE TABLE things (id int)")
    assert backends.service_environment("sample", database=database) == first
    assert await owner.fetchval("SELECT count(*) FROM things") == 0
    await owner.close()


async def test_a_wrong_password_is_refused(backends: Backends, database: str) -> None:
    backends.service_environment("sample", database=database)
    guessed = databases.addresses(backends.addresses.postgres_admin_dsn, "sample", database, Seed("guess"))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(guessed["STOA_DATABASE_DSN"])


async def test_events_pass_from_one_services_user_to_another(backends: Backends, database: str) -> None:
    topic = f"{database}-topic"
    sender, reader = (_kafka(backends.service_environment(name, database=database)) for name in ("sample", "other"))
    admin = AIOKafkaAdminClient(**sender)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    async with AIOKafkaProducer(**sender) as producer:
        await producer.send_and_wait(topic, b"hello", key=b"k")
    async with AIOKafkaConsumer(topic, auto_offset_reset="earliest", **reader) as consumer:
        assert (await consumer.getone()).value == b"hello"
    await admin.delete_topics([topic])
    await admin.close()


@pytest.mark.parametrize("credentials", [None, Credentials("sample", "guess"), Credentials("nobody", "guess")])
async def test_the_broker_lets_no_stranger_in(backends: Backends, credentials: Credentials | None) -> None:
    client = AIOKafkaAdminClient(
        bootstrap_servers=backends.addresses.kafka_bootstrap, request_timeout_ms=2000, **client_settings(credentials)
    )
    with pytest.raises(KafkaError):
        await client.start()
    await client.close()


def test_one_address_alone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOA_KAFKA_BOOTSTRAP", "127.0.0.1:9092")
    monkeypatch.delenv("STOA_POSTGRES_ADMIN_DSN", raising=False)
    with pytest.raises(addresses.IncompleteAddresses):
        addresses.given(Seed("one"))


def test_servers_named_by_the_environment_are_used(backends: Backends, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in backends.addresses.environment().items():
        monkeypatch.setenv(name, value)
    with Backends() as same:
        assert same.addresses == backends.addresses


def _kafka(settings: dict[str, str]) -> dict[str, str]:
    user = Credentials(settings["STOA_KAFKA_USERNAME"], settings["STOA_KAFKA_PASSWORD"])
    return {"bootstrap_servers": settings["STOA_KAFKA_BOOTSTRAP"], **client_settings(user)}
