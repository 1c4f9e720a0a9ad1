"""What a process of agent refuses to start with."""

import pytest

from agent.settings import Settings
from chassis.settings import EXIT_CONFIGURATION, read_settings

NEEDED = {
    "STOA_ENVIRONMENT": "development",
    "STOA_HTTP_PORT": "8000",
    "STOA_METRICS_PORT": "9000",
    "STOA_KAFKA_BOOTSTRAP": "127.0.0.1:9092",
    "STOA_KAFKA_USERNAME": "agent",
    "STOA_KAFKA_PASSWORD": "secret",
    "STOA_JWKS_URL": "http://127.0.0.1:8001/.well-known/jwks.json",
    "STOA_DATABASE_DSN": "postgresql://agent@127.0.0.1/agent",
    "STOA_DATABASE_SYSTEM_DSN": "postgresql://agent_system@127.0.0.1/agent",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_without_more_the_assistant_is_offline(environment: pytest.MonkeyPatch) -> None:
    assert read_settings(Settings).assistant_model == "offline"


def test_an_assistant_whose_provider_has_no_key_is_refused(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("STOA_ASSISTANT_MODEL", "openai:some-model")
    assert refused() == EXIT_CONFIGURATION
    assert "STOA_OPENAI_KEY must be set" in capsys.readouterr().err


@pytest.mark.parametrize("model", ["openai", "openai:", "openai:two words", "unheard-of:model", ""])
def test_a_model_that_nobody_provides_is_refused(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model: str
) -> None:
    environment.setenv("STOA_ASSISTANT_MODEL", model)
    environment.setenv("STOA_OPENAI_KEY", "secret")
    assert refused() == EXIT_CONFIGURATION
    assert "STOA_ASSISTANT_MODEL" in capsys.readouterr().err


def refused() -> object:
    with pytest.raises(SystemExit) as ended:
        read_settings(Settings)
    return ended.value.code
