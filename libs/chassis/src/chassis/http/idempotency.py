"""Idempotency keys: a POST that is sent twice has one effect and one answer.

The answer is stored in the transaction of the effect. Another transaction's uncommitted row cannot be seen, so an
advisory try-lock tells whether the first request is still running.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.core import Err, Ok, Result
from chassis.http.answers import Rendered
from chassis.http.failures import KeyMalformed, KeyReused, StillRunning
from chassis.http.problems import ProblemError

_SYNTAX = re.compile(r"[\x21-\x7e]{1,255}")

_LOCK = text("SELECT pg_try_advisory_xact_lock(:lock)")
_FIND = text(
    "SELECT digest, status, headers, body FROM idempotency_keys"
    " WHERE org_id = :org_id AND user_id = :user_id AND route = :route AND key = :key"
)
_STORE = text(
    "INSERT INTO idempotency_keys (org_id, user_id, route, key, digest, status, headers, body)"
    " VALUES (:org_id, :user_id, :route, :key, :digest, :status, CAST(:headers AS jsonb), :body)"
)


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request with a key: whose it is, at which route, and the digest of what it asks (path, query, body)."""

    org_id: UUID
    user_id: UUID
    route: str
    key: str
    digest: bytes

    async def once(
        self, connection: AsyncConnection, run: Callable[[], Awaitable[Result[Rendered]]]
    ) -> Result[Rendered]:
        """The stored answer, or what `run` answers: a success is stored in the same transaction. Refuses while the
        first request is still running, and a key that was used for another request."""
        if not (await connection.execute(_LOCK, {"lock": self._lock})).scalar_one():
            return Err(StillRunning())
        row = (await connection.execute(_FIND, self._identity)).one_or_none()
        if row is not None:
            same = row.digest == self.digest
            return Ok(Rendered(row.status, row.headers, row.body, replayed=True)) if same else Err(KeyReused())
        done = await run()
        if isinstance(done, Ok):
            await self._store(connection, done.value)
        return done

    async def _store(self, connection: AsyncConnection, answer: Rendered) -> None:
        headers = orjson.dumps(answer.headers).decode()
        body = answer.body if answer.stored_body is None else answer.stored_body
        row = {"digest": self.digest, "status": answer.status, "headers": headers, "body": body}
        await connection.execute(_STORE, {**self._identity, **row})

    @property
    def _identity(self) -> dict[str, object]:
        return {"org_id": self.org_id, "user_id": self.user_id, "route": self.route, "key": self.key}

    @property
    def _lock(self) -> int:
        name = f"idempotency {self.org_id} {self.user_id} {self.route} {self.key}"
        return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


def checked(key: str) -> str:
    """The key of a header. Raises ProblemError (400) for one that breaks the syntax."""
    if not _SYNTAX.fullmatch(key):
        raise ProblemError(KeyMalformed())
    return key


def digest_of(path: str, query: bytes, body: bytes) -> bytes:
    """What a request asks, so that a key cannot be used for another one."""
    return hashlib.sha256(b"\0".join((path.encode(), query, body))).digest()
