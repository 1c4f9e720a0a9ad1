"""SCRAM users of a Kafka cluster, made over the protocol itself: aiokafka's administration client has no call for it.

The request is `AlterUserScramCredentials` (key 51, version 0) of the Kafka protocol; the salted password is RFC 5802's.
"""

import asyncio
import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from local_stack.health import untroubled

_SCRAM_SHA_256 = 1
_ITERATIONS = 4096
_PROPAGATION_S = 20.0


@dataclass(frozen=True)
class Credentials:
    """A user's name and password."""

    username: str
    password: str


class UsersNotMade(Exception):
    """The cluster refused to create a user; the message carries its reason."""


class _AlterResponse(Response):  # type: ignore[misc] # aiokafka has no py.typed
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterRequestVersion0(RequestStruct):  # type: ignore[misc] # aiokafka has no py.typed
    API_KEY = 51
    API_VERSION = 0
    RESPONSE_TYPE = _AlterResponse
    FLEXIBLE_VERSION = True
    SCHEMA = Schema(
        ("deletions", CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields))),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterRequest(Request[_AlterRequestVersion0]):  # type: ignore[misc] # aiokafka has no py.typed
    API_KEY = 51

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = users

    def build(self, request_struct_class: type[_AlterRequestVersion0]) -> _AlterRequestVersion0:
        upsertions: list[tuple[object, ...]] = []
        for name, password in self._users.items():
            salt = os.urandom(16)
            salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
            upsertions.append((name, _SCRAM_SHA_256, _ITERATIONS, salt, salted, {}))
        return request_struct_class([], upsertions, {})


def client_settings(credentials: Credentials | None) -> dict[str, Any]:
    """Keyword arguments of aiokafka's clients; without credentials, those of an open cluster."""
    if credentials is None:
        return {}
    return {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": credentials.username,
        "sasl_plain_password": credentials.password,
    }


async def answers(bootstrap: str, credentials: Credentials | None) -> bool:
    """Whether a broker listens there and lets these credentials in."""
    host, _, port = bootstrap.split(",")[0].rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False  # asked before aiokafka, which would log every refused attempt
    writer.close()
    client = AIOKafkaClient(bootstrap_servers=bootstrap, **client_settings(credentials))
    try:
        await client.bootstrap()
    except (KafkaError, OSError):
        return False
    finally:
        await client.close()
    return True


async def provision(bootstrap: str, admin: Credentials | None, users: Iterable[Credentials]) -> None:
    """Create the users or give them these passwords; returns when the broker lets each of them in.

    Who is let in already is left alone: a new salt would refuse a client that is just signing in. Raises
    `UsersNotMade`, `TimeoutError`, or `KafkaError` when nobody answers.
    """
    missing = [user for user in users if not await answers(bootstrap, user)]
    if not missing:
        return
    await _create(bootstrap, admin, missing)
    async with asyncio.timeout(_PROPAGATION_S):
        for user in missing:
            await untroubled(partial(_not_let_in, bootstrap, user))


async def _not_let_in(bootstrap: str, user: Credentials) -> str | None:
    return None if await answers(bootstrap, user) else "not let in"


async def _create(bootstrap: str, admin: Credentials | None, users: Iterable[Credentials]) -> None:
    client = AIOKafkaClient(bootstrap_servers=bootstrap, **client_settings(admin))
    await client.bootstrap()
    try:
        request = _AlterRequest({user.username: user.password for user in users})
        response = await client.send(client.get_random_node(), request)
    finally:
        await client.close()
    for name, code, message, _ in response.results:
        if code:
            raise UsersNotMade(f"{name}: {message} (Kafka error {code})")
