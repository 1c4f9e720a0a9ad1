"""Tokens: which are believed, and how each of the others is refused."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.core import new_id
from chassis.http.identity import Identity
from chassis.http.keys import JwksClient
from chassis.http.problems import ProblemError
from chassis.http.revocations import Revocations
from chassis.http.tokens import ALGORITHM, AUDIENCE, ISSUER, TOKEN_TYPE, Caller
from chassis.testing.tokens import TestKeys, a_caller, signing_key
from contracts.auth.v1 import AccessRevoked
from contracts.permissions import Role

KEYS = TestKeys()


def an_identity() -> Identity:
    return Identity(KEYS, Revocations())


def claims(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC).timestamp()
    ids = {name: str(new_id()) for name in ("sub", "org", "sid", "jti")}
    times = {"iat": now, "nbf": now, "exp": now + 600}
    found = {"iss": ISSUER, "aud": AUDIENCE, "role": "editor", **ids, **times, **changes}
    return {name: value for name, value in found.items() if value is not None}


def signed(payload: dict[str, Any], **header: Any) -> str:
    full = {"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": KEYS.signing.kid, **header}
    return unchecked(full, payload, KEYS.signing)


def unchecked(header: dict[str, Any], payload: dict[str, Any], key: Any = None) -> str:
    """A token with any header, signed by the key as Ed25519 whatever the header says."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, payload)]
    message = b".".join(parts)
    signature = key.private_key.sign(message) if key is not None else b""
    return (message + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def with_hmac(header: dict[str, Any], payload: dict[str, Any], key: bytes) -> str:
    message, _ = unchecked(header, payload).rsplit(".", 1)
    mac = hmac.digest(key, message.encode(), "sha256")
    return f"{message}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


async def refusal(authorization: str | None, identity: Identity | None = None) -> str:
    with pytest.raises(ProblemError) as raised:
        await (identity or an_identity()).of(authorization)
    assert raised.value.status_code == 401
    return raised.value.failure.detail


async def test_a_minted_token_names_its_caller() -> None:
    caller = a_caller(role=Role.ADMIN)
    found = await an_identity().of(f"Bearer {KEYS.token(caller)}")
    assert found.issued_at == caller.issued_at
    assert (found.user_id, found.org_id, found.role) == (caller.user_id, caller.org_id, Role.ADMIN)


async def test_no_token_is_told_apart_from_a_bad_one() -> None:
    for header in (None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", KEYS.token(a_caller())):
        assert "Send an access token" in await refusal(header)
    assert "not valid" in await refusal("Bearer rubbish")


@pytest.mark.parametrize("missing", ["exp", "nbf", "iat", "iss", "aud", "sub", "org", "role", "sid", "jti"])
async def test_each_claim_is_required(missing: str) -> None:
    await refusal("Bearer " + signed(claims(**{missing: None})))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "urn:other"},
        {"aud": "urn:stoa:refresh"},
        {"exp": 1},
        {"exp": "soon"},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"sub": "no-uuid"},
        {"org": 7},
        {"role": "emperor"},
    ],
)
async def test_each_claim_is_checked(changes: dict[str, Any]) -> None:
    await refusal("Bearer " + signed(claims(**changes)))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": "rt+jwt"},
        {"alg": "none"},
        {"alg": "EdDSA"},
        {"alg": "HS256"},
        {"kid": "unknown"},
        {"kid": 7},
        {"crit": ["b64"]},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": {"kty": "OKP"}},
    ],
)
async def test_only_the_plain_header_is_believed(header: dict[str, Any]) -> None:
    await refusal("Bearer " + signed(claims(), **header))


async def test_forged_tokens_are_refused() -> None:
    good = signed(claims())
    head, payload, signature = good.split(".")
    public = KEYS.signing.as_pem(private=False)
    confused = with_hmac({"alg": "HS256", "typ": TOKEN_TYPE, "kid": KEYS.signing.kid}, claims(), public)
    other = unchecked({"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": KEYS.signing.kid}, claims(), signing_key())
    altered = base64.urlsafe_b64encode(json.dumps(claims(role="admin")).encode()).rstrip(b"=").decode()
    for token in (f"{head}.{payload}.", f"{head}.{altered}.{signature}", confused, other, good + "A", f"{good}.x"):
        await refusal(f"Bearer {token}")
    await refusal("Bearer " + good + "A" * 5000)


async def test_bytes_that_are_no_token_are_refused() -> None:
    for text in ("a", "a.b.c", "....", "é.b.c", "e30.e30.e30", "W10.e30.", "bnVsbA.e30.", "\udcff.b.c", "x" * 4097):
        await refusal(f"Bearer {text}")


async def test_a_remembered_token_still_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    identity, caller = an_identity(), a_caller(lifetime=timedelta(minutes=1))
    header = f"Bearer {KEYS.token(caller)}"
    assert await identity.of(header)
    monkeypatch.setattr("chassis.http.identity.time.time", caller.expires_at.timestamp)
    with pytest.raises(ProblemError) as refused:
        await identity.of(header)
    assert "expired" in refused.value.failure.detail


def revoked(at: datetime, **who: Any) -> AccessRevoked:
    return AccessRevoked(**{"not_before": at, "reason": "test", **who})


@pytest.mark.parametrize("field", ["subject", "session", "organisation"])
async def test_a_revocation_of_any_sort_ends_a_remembered_token(field: str) -> None:
    identity, caller = an_identity(), a_caller()
    header = f"Bearer {KEYS.token(caller)}"
    await identity.of(header)
    identity.revocations.add(revoked(datetime.now(UTC), **{field: _named(caller)[field]}))
    assert "revoked" in await refusal(header, identity)


async def test_a_revocation_spares_later_tokens_and_others() -> None:
    identity, caller = an_identity(), a_caller()
    moment = caller.issued_at
    identity.revocations.add(revoked(moment, subject=caller.user_id))
    identity.revocations.add(revoked(moment + timedelta(days=1), subject=caller.user_id, organisation=new_id()))
    assert await identity.of(f"Bearer {KEYS.token(caller)}")
    earlier = a_caller(caller.user_id, caller.org_id, issued_at=moment - timedelta(microseconds=1))
    assert "revoked" in await refusal(f"Bearer {KEYS.token(earlier)}", identity)


async def test_an_older_revocation_does_not_undo_a_newer_one() -> None:
    identity, caller = an_identity(), a_caller()
    now = datetime.now(UTC)
    heard: list[AccessRevoked] = []
    stop = identity.revocations.listen(heard.append)
    for moment in (now, now - timedelta(minutes=1), now):
        identity.revocations.add(revoked(moment, session=caller.session_id))
    assert len(heard) == 1
    stop()
    identity.revocations.add(revoked(now + timedelta(seconds=1), session=caller.session_id))
    assert len(heard) == 1
    assert "revoked" in await refusal(f"Bearer {KEYS.token(caller)}", identity)


def _named(caller: Caller) -> dict[str, Any]:
    return {"subject": caller.user_id, "session": caller.session_id, "organisation": caller.org_id}


async def test_while_no_key_is_known_a_token_is_neither_believed_nor_refused() -> None:
    identity = Identity(JwksClient("http://127.0.0.1:1/jwks.json"), Revocations())
    with pytest.raises(ProblemError) as raised:
        await identity.of(f"Bearer {KEYS.token(a_caller())}")
    assert (raised.value.status_code, raised.value.failure.slug) == (503, "unavailable")
