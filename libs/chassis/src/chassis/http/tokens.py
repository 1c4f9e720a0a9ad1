"""Access tokens (RFC 9068): how one is made, and every check before it is believed.

Auth signs them; each service and the gateway verify them by themselves with auth's public keys.
"""

import base64
import binascii
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from contracts.permissions import Role

ALGORITHM = "Ed25519"
TOKEN_TYPE = "at+jwt"  # noqa: S105  a media type, RFC 9068 section 2.1
ISSUER = "urn:stoa:auth"
AUDIENCE = "urn:stoa:api"
MAX_BYTES = 4096
CLOCK_SKEW_S = 5
"""How far the clocks of two hosts may be apart; forgiven for `nbf` and `iat`, never for `exp`."""

_HEADERS = {"alg", "typ", "kid"}
"""No other header is believed: no embedded key (`jwk`, `x5c`), no address (`jku`, `x5u`), no `crit`."""

_REQUIRED = ("exp", "nbf", "iat", "iss", "aud", "sub", "org", "role", "sid", "jti")
_ESSENTIAL: ClaimsOption = {"essential": True}
_CLAIMS = JWTClaimsRegistry(leeway=CLOCK_SKEW_S)
_CLAIMS.options = {
    **dict.fromkeys(_REQUIRED, _ESSENTIAL),
    "iss": {"essential": True, "value": ISSUER},
    "aud": {"essential": True, "value": AUDIENCE},
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the token says: a user, in one organisation, with the role there, in one session."""

    user_id: UUID
    org_id: UUID
    role: Role
    session_id: UUID
    token_id: UUID
    issued_at: datetime
    expires_at: datetime


class BadToken(Exception):
    """The token is refused; the message says by which rule, and holds nothing of the token."""


class KeySource(Protocol):
    """Where public keys come from: auth's own in auth, fetched ones elsewhere, a list in tests."""

    async def key(self, kid: str) -> OKPKey | None:
        """The key of that id, or None. Raises KeysUnavailable when that cannot be known at the moment."""
        ...


class KeysUnavailable(Exception):
    """No public keys are known yet, and auth does not answer."""


def mint(caller: Caller, key: OKPKey) -> str:
    """A signed access token. `key` is private and has a `kid`. `iat` keeps its fraction of a second."""
    issued = caller.issued_at.timestamp()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(caller.user_id),
        "org": str(caller.org_id),
        "role": caller.role.value,
        "sid": str(caller.session_id),
        "jti": str(caller.token_id),
        "iat": issued,
        "nbf": issued,
        "exp": int(caller.expires_at.timestamp()),
    }
    header = {"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": key.kid}
    return jwt.encode(header, claims, key, algorithms=[ALGORITHM])


async def verify(token: str, keys: KeySource) -> Caller:
    """The caller that the token names. Raises BadToken; KeysUnavailable when it cannot be checked now."""
    if len(token) > MAX_BYTES:
        raise BadToken("it is too long")
    key = await keys.key(_key_id(token))
    if key is None:
        raise BadToken("its key is not known")
    try:
        claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        _CLAIMS.validate(claims)
    except JoseError as error:
        raise BadToken(_rule(error)) from error
    return _caller(claims)


def _key_id(token: str) -> str:
    try:
        part = token.split(".", 1)[0].encode("ascii")
        header = orjson.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except (ValueError, binascii.Error) as error:
        raise BadToken("it is no signed token") from error
    if not isinstance(header, dict) or set(header) != _HEADERS:
        raise BadToken("its header may hold alg, typ and kid, and must")
    if header["alg"] != ALGORITHM or header["typ"] != TOKEN_TYPE or not isinstance(header["kid"], str):
        raise BadToken("it is no access token of this system")
    return header["kid"]


def _rule(error: JoseError) -> str:
    if error.error == "expired_token":
        return "it has expired"
    claim = getattr(error, "claim", None)
    return f"its claim {claim} is missing or wrong" if claim in _REQUIRED else "it cannot be verified"


def _caller(claims: dict[str, Any]) -> Caller:
    if float(claims["exp"]) <= time.time():
        raise BadToken("it has expired")
    try:
        return Caller(
            user_id=UUID(claims["sub"]),
            org_id=UUID(claims["org"]),
            role=Role(claims["role"]),
            session_id=UUID(claims["sid"]),
            token_id=UUID(claims["jti"]),
            issued_at=datetime.fromtimestamp(claims["iat"], UTC),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )
    except (ValueError, TypeError, AttributeError, OverflowError, OSError) as error:
        raise BadToken("one of its claims has a wrong form") from error
