"""A wrong setting refuses the start and is named."""

import json
import os
import subprocess
import sys

import pytest

from chassis.settings import EXIT_CONFIGURATION, read_settings
from gateway.settings import Settings

ADDRESSES = dict.fromkeys(("auth", "modules", "agent", "chats"), "http://127.0.0.1:8000")
GOOD = {
    "STOA_ENVIRONMENT": "development",
    "STOA_HTTP_PORT": "8080",
    "STOA_METRICS_PORT": "9080",
    "STOA_KAFKA_BOOTSTRAP": "127.0.0.1:9092",
    "STOA_KAFKA_USERNAME": "gateway",
    "STOA_KAFKA_PASSWORD": "secret",
    "STOA_JWKS_URL": "http://127.0.0.1:8000/.well-known/jwks.json",
    "STOA_SLOT": "0",
    "STOA_UPSTREAMS": json.dumps(ADDRESSES),
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("STOA_")]:
        monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_the_services_are_read_from_one_setting() -> None:
    assert read_settings(Settings).upstreams == ADDRESSES


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("STOA_SLOT", None, "STOA_SLOT"),
        ("STOA_SLOT", "-1", "STOA_SLOT"),
        ("STOA_UPSTREAMS", None, "STOA_UPSTREAMS"),
        ("STOA_UPSTREAMS", "{not json", "STOA_UPSTREAMS: must be a JSON object"),
        ("STOA_UPSTREAMS", "[]", "STOA_UPSTREAMS"),
        ("STOA_UPSTREAMS", '{"auth": "http://auth"}', "STOA_UPSTREAMS: names no address of agent, chats, modules"),
        ("STOA_UPSTREAMS", json.dumps({**ADDRESSES, "auth": "auth:8000"}), "STOA_UPSTREAMS"),
    ],
)
def test_a_wrong_one_is_named(
    name: str, value: str | None, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as refused:
        read_settings(Settings)
    assert refused.value.code == EXIT_CONFIGURATION
    assert words in capsys.readouterr().err


def test_the_process_loads_nothing_for_a_database() -> None:
    script = "import sys, gateway.container; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert not set(found.stdout.split()) & {"sqlalchemy", "asyncpg", "alembic", "faststream", "local_stack"}
