"""Access tokens that nobody may believe, made with everything an attacker could have, the signing key included.

Those that break one rule only are signed with the platform's real key: the signature alone must not be enough.
"""

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from auth.adapters.sealing import AesGcmSeal
from chassis.http.tokens import ALGORITHM, TOKEN_TYPE

from ..stack import Stack

Claims: TypeAlias = dict[str, Any]

REQUIRED = ("exp", "nbf", "iat", "iss", "aud", "sub", "org", "role", "sid", "jti")


async def signing_key(stack: Stack) -> OKPKey:
    """The private key of the running platform, opened with its encryption key."""
    settings = stack.settings_of("auth")
    connection: Any = await asyncpg.connect(settings["STOA_DATABASE_SYSTEM_DSN"])
    row = await connection.fetchrow("SELECT kid, sealed_private_key FROM signing_keys ORDER BY signs_from DESC LIMIT 1")
    await connection.close()
    keys = [base64.b64decode(key) for key in json.loads(settings["STOA_ENCRYPTION_KEYS"])]
    private = json.loads(AesGcmSeal(keys).open(row["sealed_private_key"], row["kid"].encode()))
    return OKPKey.import_key({**private, "kid": row["kid"]})


@dataclass(frozen=True)
class Forger:
    """Holds somebody's good token and the platform's key."""

    token: str
    key: OKPKey

    @property
    def claims(self) -> Claims:
        payload = self.token.split(".")[1]
        found: Claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return found

    @property
    def header(self) -> dict[str, Any]:
        return {"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": self.key.kid}

    def signed(self, header: Claims | None = None, key: Any = None, **claims: Any) -> str:
        """A token with these changes; a claim that is None is left out."""
        payload = {name: value for name, value in (self.claims | claims).items() if value is not None}
        chosen = {**self.header, **(header or {})}
        registry = jws.JWSRegistry(algorithms=[chosen["alg"]], strict_check_header=False)
        return jws.serialize_compact(chosen, json.dumps(payload), key or self.key, registry=registry)

    def raw(self, header: Mapping[str, Any], signature: str = "") -> str:
        """A token whose signature is whatever is given."""
        return ".".join([_part({**self.header, **header}), _part(self.claims), signature])


def _part(content: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def _other_key(forger: Forger) -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": str(forger.key.kid)}, private=True)


def _without(claim: str) -> Callable[[Forger], str]:
    left_out: Claims = {claim: None}
    return lambda forger: forger.signed(**left_out)


def _altered(forger: Forger) -> str:
    header, _, signature = forger.token.split(".")
    return ".".join([header, _part({**forger.claims, "role": "super_admin"}), signature])


def _public_key_as_secret(forger: Forger) -> str:
    secret = OctKey.import_key(json.dumps(forger.key.as_dict(private=False)))
    return forger.signed({"alg": "HS256"}, secret)


def _embedded_key(forger: Forger) -> str:
    own = OKPKey.generate_key("Ed25519", private=True)
    return forger.signed({"jwk": own.as_dict(private=False)}, own)


FORGERIES: dict[str, Callable[[Forger], str]] = {
    "empty": lambda _: "",
    "no token at all": lambda _: "password",
    "three parts of nothing": lambda _: "e30.e30.e30",
    "altered": _altered,
    "without its signature": lambda forger: forger.token.rpartition(".")[0] + ".",
    "alg none": lambda forger: forger.raw({"alg": "none"}),
    "signed with the public key as a secret": _public_key_as_secret,
    "signed by another key of the same name": lambda forger: forger.signed(key=_other_key(forger)),
    "unknown key": lambda forger: forger.signed({"kid": "nobody-knows-me"}),
    "brings its own key": _embedded_key,
    "names where its key is": lambda forger: forger.signed({"jku": "http://127.0.0.1:1/keys"}),
    "critical extension": lambda forger: forger.raw({"crit": ["exp"]}, forger.token.rpartition(".")[2]),
    "another type": lambda forger: forger.signed({"typ": "JWT"}),
    "another algorithm's name": lambda forger: forger.signed({"alg": "EdDSA"}),
    "expired": lambda forger: forger.signed(exp=int(time.time()) - 1),
    "not valid yet": lambda forger: forger.signed(nbf=int(time.time()) + 3600),
    "for another audience": lambda forger: forger.signed(aud="urn:stoa:elsewhere"),
    "by another issuer": lambda forger: forger.signed(iss="urn:somebody:auth"),
    "with a role that there is not": lambda forger: forger.signed(role="owner"),
    "for a user that is no id": lambda forger: forger.signed(sub="Ada"),
    "too long": lambda forger: forger.signed(padding="x" * 5000),
    **{f"without {claim}": _without(claim) for claim in REQUIRED},
}
