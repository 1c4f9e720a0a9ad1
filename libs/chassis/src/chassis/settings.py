"""What a process is told from outside: `STOA_*` variables, read once, checked before anything starts."""

import base64
import binascii
import json
import sys
from typing import Annotated, Literal, NoReturn, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

EXIT_CONFIGURATION = 78
"""`EX_CONFIG` of sysexits(3): a wrong setting; starting again without a change does not help."""

KEY_BYTES = 32
DEVELOPMENT_KEY = base64.b64encode(b"stoa-development-key-for-tests!!").decode()
"""Published here, so it protects nothing: it stands in where development or a test sets no key of its own."""


def _key_list(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("must be a JSON list of keys, newest first") from None


def _key(value: SecretStr) -> SecretStr:
    try:
        key = base64.b64decode(value.get_secret_value(), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("each key must be base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"each key must be {KEY_BYTES} bytes")
    return value


def _weak(value: SecretStr) -> bool:
    key = base64.b64decode(value.get_secret_value())
    return value.get_secret_value() == DEVELOPMENT_KEY or len(set(key)) < KEY_BYTES // 4


Port = Annotated[int, Field(ge=1, le=65535)]
Key = Annotated[SecretStr, AfterValidator(_key)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]


class ProcessSettings(BaseSettings):
    """What every process is told. Subclasses add their own; names are the fields' in capitals after `STOA_`."""

    model_config = SettingsConfigDict(env_prefix="STOA_", frozen=True, extra="ignore", hide_input_in_errors=True)

    environment: Literal["development", "staging", "production"] = "production"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    http_host: str = "127.0.0.1"
    http_port: Port
    metrics_host: str = "127.0.0.1"
    metrics_port: Port
    docs: bool | None = None
    """Whether `/openapi.json` is served. Unset: in development only."""
    kafka_bootstrap: Annotated[str, Field(min_length=1)]
    kafka_username: Annotated[str, Field(min_length=1)]
    kafka_password: SecretStr
    kafka_namespace: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$", max_length=60)] = ""
    """A prefix of topics and groups, so that several systems can share one broker."""
    jwks_url: Url
    encryption_keys: Annotated[tuple[Key, ...], NoDecode, BeforeValidator(_key_list)] = ()
    """Keys at rest, newest first: a JSON list of base64 strings of 32 bytes."""
    otlp_endpoint: Url | None = None
    """Where spans go, e.g. `http://collector:4318/v1/traces`. Unset: nowhere, and trace ids are in the logs alone."""
    trace_sampling: Annotated[float, Field(ge=0, le=1)] = 0.05
    """The share of traces begun here that is recorded; a caller's decision is always followed."""

    @model_validator(mode="after")
    def _keys_protect(self) -> "ProcessSettings":
        if self.development:
            return self
        if not self.encryption_keys:
            raise ValueError("STOA_ENCRYPTION_KEYS must be set outside development")
        if any(_weak(key) for key in self.encryption_keys):
            raise ValueError("STOA_ENCRYPTION_KEYS holds a known or weak key, refused outside development")
        return self

    @property
    def development(self) -> bool:
        return self.environment == "development"

    @property
    def serves_docs(self) -> bool:
        return self.development if self.docs is None else self.docs

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The encryption keys as 32 bytes each, newest first; in development the published one where none is set."""
        texts = [key.get_secret_value() for key in self.encryption_keys] or [DEVELOPMENT_KEY]
        return tuple(base64.b64decode(text) for text in texts)


PostgresDsn = Annotated[SecretStr, AfterValidator(lambda value: _postgres(value))]


def _postgres(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("must be a postgresql:// address")
    return value


class ServiceSettings(ProcessSettings):
    """What a service with a database is told, one role for each purpose."""

    database_dsn: PostgresDsn
    database_system_dsn: PostgresDsn
    database_owner_dsn: PostgresDsn | None = None
    """The owner of the tables: for `migrate` only, so a serving process need not know it."""
    outbox_max_rows: Annotated[int, Field(ge=1)] = 1_000_000
    outbox_max_bytes: Annotated[int, Field(ge=1)] = 2_000_000_000
    """How much may wait to be sent, in rows and in bytes; beyond, what would add to it is refused."""


S = TypeVar("S", bound=BaseSettings)


def read_settings(kind: type[S]) -> S:
    """The settings from the environment, or the end of the process.

    A wrong or missing setting prints one line for each, with its name and rule and never its value, and exits with 78.
    """
    try:
        return kind()
    except ValidationError as error:
        refuse([_line(kind, problem["loc"], problem["msg"]) for problem in error.errors(include_input=False)])


def refuse(lines: list[str]) -> NoReturn:
    """Ends the process because of its settings, with a line for each reason."""
    for line in lines:
        print(f"start refused: {line}", file=sys.stderr)  # noqa: T201  logging is not set up before the settings are read
    raise SystemExit(EXIT_CONFIGURATION)


def _line(kind: type[BaseSettings], place: tuple[int | str, ...], rule: str) -> str:
    rule = rule.removeprefix("Value error, ")
    if not place:
        return rule
    name = str(place[0])
    prefix = kind.model_config.get("env_prefix", "")
    return f"{name.upper() if name.upper().startswith(prefix) else prefix + name.upper()}: {rule}"
