"""The ring of signing keys on a real database."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import OKPKey
from sqlalchemy import text

from auth.adapters.access_tokens import SignedAccessTokens
from auth.adapters.sealing import AesGcmSeal, CannotOpen
from auth.adapters.signing_keys import KeyRing
from auth.domain.errors import NoSigningKey
from auth.domain.session import Session
from chassis.core import Err, Ok, SystemClock, new_id
from chassis.database import Database
from chassis.health import Status
from chassis.http.tokens import KeysUnavailable, verify
from contracts.permissions import Role

KEY = b"k" * 32


@pytest.fixture(autouse=True)
async def no_keys(system: Database) -> AsyncIterator[None]:
    """These tests are about the first key: each begins without any, and none is left to others."""
    await _forget(system)
    yield
    await _forget(system)


async def test_many_processes_that_start_at_once_have_one_key(database: Database) -> None:
    rings = [a_ring(database) for _ in range(8)]
    await asyncio.gather(*(ring.load() for ring in rings))
    published = [ring.published() for ring in rings]
    assert all(isinstance(found, Ok) and len(found.value) == 1 for found in published)
    assert all(found == published[0] for found in published)


async def test_what_is_published_has_the_public_half_only_and_its_thumbprint(database: Database) -> None:
    ring = a_ring(database)
    await ring.load()
    [key] = await _published(ring)
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    canonical = json.dumps({name: key[name] for name in ("crv", "kty", "x")}, separators=(",", ":"), sort_keys=True)
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()
    assert key["kid"] == thumbprint


async def test_the_private_half_is_encrypted_at_rest(database: Database, system: Database) -> None:
    await a_ring(database).load()
    async with system.system_transaction() as connection:
        [stored] = (await connection.execute(text("SELECT sealed_private_key FROM signing_keys"))).scalars()
    assert b'"d"' not in stored
    with pytest.raises(CannotOpen):
        await a_ring(database, key=b"x" * 32).load()


async def test_a_ring_without_the_right_encryption_key_says_so_and_makes_no_other_key(
    database: Database, system: Database
) -> None:
    await a_ring(database).load()
    ring = a_ring(database, key=b"x" * 32)
    with pytest.raises(KeysUnavailable):
        await ring.key("any")
    assert (ring.health().status, "STOA_ENCRYPTION_KEYS" in ring.health().line) == (Status.UNHEALTHY, True)
    async with system.system_transaction() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM signing_keys"))).scalar() == 1


async def test_tokens_are_verified_with_what_is_published(database: Database) -> None:
    ring = a_ring(database)
    session, now = Session.start(new_id(), new_id(), now=SystemClock().now()), SystemClock().now()
    assert SignedAccessTokens(ring).sign(session, Role.EDITOR, now=now) == Err(NoSigningKey())
    await ring.load()
    signed = SignedAccessTokens(ring).sign(session, Role.EDITOR, now=now)
    assert isinstance(signed, Ok)
    caller = await verify(signed.value, ring)
    assert (caller.user_id, caller.org_id, caller.session_id) == (session.user_id, session.org_id, session.id)
    assert (caller.role, caller.issued_at, caller.expires_at.microsecond) == (Role.EDITOR, now, 0)


async def test_a_new_key_is_published_before_it_signs_and_the_old_one_after(
    database: Database, system: Database
) -> None:
    ring = a_ring(database)
    await ring.load()
    old = _kid(ring)
    new = await _add_key(database, signs_in=timedelta(minutes=5))
    assert await ring.key(new) is not None
    assert (_kid(ring), {key["kid"] for key in await _published(ring)}) == (old, {old, new})
    async with system.system_transaction() as connection:
        await connection.execute(text("UPDATE signing_keys SET signs_from = now() WHERE kid = :kid"), {"kid": new})
    await ring.load()
    assert _kid(ring) == new
    assert await ring.key(old) is not None


async def test_unknown_key_ids_make_no_storm_of_queries(database: Database) -> None:
    ring = a_ring(database)
    await ring.load()
    loads = 0
    load = ring.load

    async def counted() -> None:
        nonlocal loads
        loads += 1
        await load()

    ring.load = counted  # type: ignore[method-assign]  # counts, and does what it did
    assert await asyncio.gather(*(ring.key(f"unknown-{number}") for number in range(100))) == [None] * 100
    assert loads <= 2


def a_ring(database: Database, *, key: bytes = KEY) -> KeyRing:
    return KeyRing(database, AesGcmSeal([key]), SystemClock())


def _kid(ring: KeyRing) -> str:
    found = ring.signing()
    assert isinstance(found, Ok)
    return str(found.value.kid)


async def _published(ring: KeyRing) -> list[dict[str, Any]]:
    found = ring.published()
    assert isinstance(found, Ok)
    return list(found.value)


async def _add_key(database: Database, *, signs_in: timedelta) -> str:
    """Another key, like a rotation would store it."""
    key = OKPKey.generate_key("Ed25519", private=True)
    kid = key.thumbprint()
    sealed = AesGcmSeal([KEY]).seal(json.dumps(key.as_dict(private=True)).encode(), kid.encode())
    statement = text("INSERT INTO signing_keys VALUES (:kid, :sealed, :signs_from)")
    values = {"kid": kid, "sealed": sealed, "signs_from": SystemClock().now() + signs_in}
    async with database.transaction([]) as connection:
        await connection.execute(statement, values)
    return kid


async def _forget(system: Database) -> None:
    async with system.system_transaction() as connection:
        await connection.execute(text("DELETE FROM signing_keys"))
