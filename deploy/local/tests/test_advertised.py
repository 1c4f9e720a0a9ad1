"""Where clients are told to look for the stack's own servers when something stands before them."""

from pathlib import Path

import pytest

from local_stack.addresses import Advertised, advertised
from local_stack.kafka import Kafka
from local_stack.postgres import Postgres


def test_clients_of_kafka_are_told_what_stands_before_it_and_it_listens_where_it_did(tmp_path: Path) -> None:
    alone = Kafka(tmp_path, 1000, 1001, "secret", "jars")
    behind = Kafka(tmp_path, 1000, 1001, "secret", "jars", advertised="127.0.0.1:2000")
    assert "\nadvertised.listeners=CLIENTS://127.0.0.1:1000\n" in alone.properties
    assert "\nadvertised.listeners=CLIENTS://127.0.0.1:2000\n" in behind.properties
    assert (alone.bootstrap, behind.bootstrap) == ("127.0.0.1:1000", "127.0.0.1:2000")
    assert "\nlisteners=CLIENTS://127.0.0.1:1000," in behind.properties
    assert behind.address == alone.address


def test_clients_of_postgres_are_told_what_stands_before_it(tmp_path: Path) -> None:
    behind = Postgres(tmp_path, 1000, "secret", advertised="127.0.0.1:2000")
    assert behind.dsn == "postgresql://postgres:secret@127.0.0.1:2000/postgres"
    assert behind.address == "127.0.0.1:1000"


def test_the_environment_names_what_stands_before_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STOA_KAFKA_ADVERTISED", raising=False)
    monkeypatch.setenv("STOA_POSTGRES_ADVERTISED", "127.0.0.1:2000")
    assert advertised() == Advertised(postgres="127.0.0.1:2000", kafka=None)
