"""Who calls: the access token of each request, verified here and not by anyone before."""

import hashlib
import time
from collections import OrderedDict

import structlog
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import Request
from structlog.contextvars import bind_contextvars

from chassis.http.failures import InvalidToken, Unauthenticated, Unavailable
from chassis.http.problems import ProblemError
from chassis.http.revocations import Revocations
from chassis.http.tokens import BadToken, Caller, KeySource, KeysUnavailable, verify

REMEMBERED_TOKENS = 10_000

log = structlog.get_logger()


class Identity(SecurityBase):
    """FastAPI dependency that answers the `Caller`, or 401 with `WWW-Authenticate` (RFC 6750).

    The result of a verification is remembered, by the token's digest, until the token ends; revocations are asked at
    every request.
    """

    def __init__(self, keys: KeySource, revocations: Revocations) -> None:
        self.model = HTTPBearer(bearerFormat="JWT", description="An access token from `/api/v1/auth/login`")
        self.scheme_name = "AccessToken"
        self.revocations = revocations
        self._keys = keys
        self._known: OrderedDict[bytes, Caller] = OrderedDict()

    async def __call__(self, request: Request) -> Caller:
        caller = await self.of(request.headers.get("authorization"))
        bind_contextvars(user_id=str(caller.user_id), org_id=str(caller.org_id))
        return caller

    async def of(self, authorization: str | None) -> Caller:
        """The caller that an Authorization header names. Raises ProblemError: 401, or 503 while no key is known."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ProblemError(Unauthenticated())
        try:
            caller = await self._verified(token.strip())
        except KeysUnavailable as error:
            raise ProblemError(Unavailable()) from error
        except BadToken as error:
            log.warning("identity.refused", rule=str(error))
            raise ProblemError(InvalidToken(str(error))) from error
        if self.revocations.revoked(caller):
            log.warning("identity.revoked", user_id=str(caller.user_id), session_id=str(caller.session_id))
            raise ProblemError(InvalidToken("it has been revoked"))
        return caller

    async def _verified(self, token: str) -> Caller:
        if not token.isascii():
            raise BadToken("it is no signed token")
        digest = hashlib.sha256(token.encode()).digest()
        caller = self._known.get(digest)
        if caller is None:
            caller = await verify(token, self._keys)
            self._remember(digest, caller)
        elif caller.expires_at.timestamp() <= time.time():
            self._known.pop(digest, None)
            raise BadToken("it has expired")
        return caller

    def _remember(self, digest: bytes, caller: Caller) -> None:
        self._known[digest] = caller
        if len(self._known) > REMEMBERED_TOKENS:
            self._known.popitem(last=False)
