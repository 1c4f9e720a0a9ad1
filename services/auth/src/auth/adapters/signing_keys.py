"""The keys that access tokens are signed with: made at the first start, encrypted in the database.

Several may be there at once. All are published; the newest that has begun to sign signs. A new key is stored with a
`signs_from` that is later than every copy of the key set lives, so nobody meets a token whose key they do not know.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import structlog
from joserfc.jwk import OKPKey
from sqlalchemy import insert, select, text

from auth.adapters import tables
from auth.adapters.sealing import CannotOpen
from auth.application.ports import Seal
from auth.domain.errors import NoSigningKey
from chassis.core import Clock, Err, Ok, Result
from chassis.database import Database, is_passing
from chassis.health import Health
from chassis.http.tokens import KeysUnavailable

RELOAD_S = 20.0
_RELOAD_PAUSE_S = 1.0
_RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_LOCK = text("SELECT pg_advisory_xact_lock(5207391)")

log = structlog.get_logger()


@dataclass(frozen=True)
class SigningKey:
    key: OKPKey = field(repr=False)
    signs_from: datetime


class KeyRing:
    """Component and key source: holds the keys, and looks for those of other processes every 20 s."""

    name = "signing-keys"

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        self._database = database
        self._seal = seal
        self._clock = clock
        self._keys: dict[str, SigningKey] = {}
        self._missing: str | None = "not loaded yet"
        self._loading = asyncio.Lock()
        self._loaded_at = -_RELOAD_PAUSE_S

    async def key(self, kid: str) -> OKPKey | None:
        """The key of that id; an unknown one is looked for in the database, once a second at most."""
        if kid not in self._keys:
            await self._reload()
        if not self._keys:
            raise KeysUnavailable(self._missing)
        found = self._keys.get(kid)
        return found.key if found is not None else None

    def signing(self) -> Result[OKPKey]:
        """The private key to sign with now. Refused: NoSigningKey."""
        if not self._keys:
            return Err(NoSigningKey())
        now, oldest_first = self._clock.now(), list(self._keys.values())
        begun = [key for key in oldest_first if key.signs_from <= now]
        # None has begun: the first key was made by a process whose clock is ahead of ours.
        return Ok(begun[-1].key if begun else oldest_first[0].key)

    def published(self) -> Result[Sequence[dict[str, Any]]]:
        if not self._keys:
            return Err(NoSigningKey())
        return Ok([_public(kid, signing.key) for kid, signing in self._keys.items()])

    async def load(self) -> None:
        """Reads all keys; makes the first one where there is none, which of several processes only one does."""
        async with self._database.transaction([]) as connection:
            query = select(tables.signing_keys).order_by(tables.signing_keys.c.signs_from)
            rows = (await connection.execute(query)).all()
            if not rows:
                await connection.execute(_LOCK)
                rows = (await connection.execute(query)).all()
            if not rows:
                await connection.execute(insert(tables.signing_keys), self._new())
                rows = (await connection.execute(query)).all()
        self._keys = {row.kid: self._opened(row) for row in rows}
        self._missing = None

    async def run(self) -> None:
        """Keeps the ring fresh until cancelled."""
        failures = 0
        while True:
            await self._reload()
            failures = failures + 1 if self._missing is not None else 0
            await asyncio.sleep(_RETRY_S[min(failures, len(_RETRY_S)) - 1] if failures else RELOAD_S)

    def health(self) -> Health:
        if self._missing is None:
            return Health.healthy(f"{len(self._keys)} keys")
        return Health.degraded(self._missing) if self._keys else Health.unhealthy(self._missing)

    async def _reload(self) -> None:
        async with self._loading:
            if time.monotonic() - self._loaded_at < _RELOAD_PAUSE_S and self._keys:
                return
            was, self._loaded_at = self._missing, time.monotonic()
            try:
                await self.load()
            except CannotOpen:
                self._missing = "a signing key cannot be opened with STOA_ENCRYPTION_KEYS"
            except Exception as error:
                if not is_passing(error):
                    raise
                self._missing = f"the database does not answer ({type(error).__name__})"
        if self._missing != was:
            log.info("signing-keys.changed", keys=len(self._keys), missing=self._missing)

    def _new(self) -> dict[str, Any]:
        key = OKPKey.generate_key("Ed25519", private=True)
        kid = key.thumbprint()  # RFC 7638
        sealed = self._seal.seal(orjson.dumps(key.as_dict(private=True)), kid.encode())
        return {"kid": kid, "sealed_private_key": sealed, "signs_from": self._clock.now()}

    def _opened(self, row: Any) -> SigningKey:
        private = orjson.loads(self._seal.open(row.sealed_private_key, row.kid.encode()))
        return SigningKey(OKPKey.import_key({**private, "kid": row.kid}), row.signs_from)


def _public(kid: str, key: OKPKey) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": "Ed25519"}
