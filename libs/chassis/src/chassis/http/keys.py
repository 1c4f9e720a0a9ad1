"""Auth's public signing keys, fetched and kept: the one call from a service to another."""

import asyncio
import time

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from chassis.health import Health
from chassis.http.tokens import KeysUnavailable

CACHE_S = 60.0
"""A fetched set is renewed after this time, so auth publishes a new key for longer before it signs with it."""
FETCH_PAUSE_S = 1.0
"""However many tokens name unknown keys, auth is asked at most once in this time."""
_RETRY_S = (0.1, 0.2, 0.5, 1.0)
"""A process that knows no key can serve nobody: one that started while auth did is not to wait for it for long."""

log = structlog.get_logger()


class JwksClient:
    """The key set of one address (RFC 7517): fetched in the background, and once more when an unknown key is named.

    While auth is away, the keys known so far go on being used.
    """

    name = "jwks"

    def __init__(self, url: str, *, timeout_s: float = 2.0) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._keys: dict[str, OKPKey] = {}
        self._error: str | None = "not fetched yet"
        self._fetched = asyncio.Lock()
        self._last = -FETCH_PAUSE_S
        self._client: httpx.AsyncClient | None = None

    async def key(self, kid: str) -> OKPKey | None:
        """The key of that id, asked for once more if it is new. Raises KeysUnavailable while no key is known."""
        if kid not in self._keys:
            await self._fetch_unless_just_done()
        if not self._keys:
            raise KeysUnavailable(self._error)
        return self._keys.get(kid)

    async def run(self) -> None:
        """Keeps the set fresh until cancelled."""
        failures = 0
        try:
            while True:
                await self._fetch_unless_just_done()
                failures = failures + 1 if self._error else 0
                await asyncio.sleep(_RETRY_S[min(failures, len(_RETRY_S)) - 1] if failures else CACHE_S)
        finally:
            if self._client is not None:
                await self._client.aclose()

    def health(self) -> Health:
        if self._error is None:
            return Health.healthy(f"{len(self._keys)} keys")
        if self._keys:
            return Health.degraded(f"auth's keys are not renewed: {self._error}")
        return Health.unhealthy(f"auth's keys are not known: {self._error}")

    async def _fetch_unless_just_done(self) -> None:
        async with self._fetched:
            pause = FETCH_PAUSE_S if self._error is None else _RETRY_S[0]
            if time.monotonic() - self._last < pause:
                return
            was, self._error = self._error, await self._fetch()
            self._last = time.monotonic()
        if self._error != was:
            log.info("jwks.fetched", keys=len(self._keys)) if self._error is None else log.warning(
                "jwks.not_fetched", reason=self._error
            )

    async def _fetch(self) -> str | None:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self._timeout_s, trust_env=False)
        try:
            answer = await self._client.get(self._url)
            answer.raise_for_status()
            keys = _parse(answer.json())
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return f"{type(error).__name__} from {self._url}"
        if not keys:
            return f"no Ed25519 key at {self._url}"
        self._keys = keys
        return None


def _parse(document: object) -> dict[str, OKPKey]:
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("no key set")
    found: dict[str, OKPKey] = {}
    for entry in document["keys"]:
        if isinstance(entry, dict) and entry.get("crv") == "Ed25519" and isinstance(entry.get("kid"), str):
            key = _import(entry)
            if key is not None:
                found[entry["kid"]] = key
    return found


def _import(entry: dict[str, str | list[str]]) -> OKPKey | None:
    try:
        return OKPKey.import_key(entry)
    except (JoseError, ValueError):
        log.warning("jwks.key_refused", kid=entry["kid"])
        return None
