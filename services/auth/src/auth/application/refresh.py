"""Exchanges a refresh token for its successor and a new access token."""

from dataclasses import dataclass, field
from datetime import datetime

import structlog

from auth.application.grants import Tokens
from auth.application.ports import AccessTokens, Seal, Transaction, Transactions
from auth.application.super_admins import present_role
from auth.domain.errors import RefreshRefused
from auth.domain.secrets import BearerSecret
from auth.domain.session import Session, Standing, StoredToken
from chassis.core import Clock, Err, Ok, Result
from chassis.use_case import Context

log = structlog.get_logger()


@dataclass(frozen=True)
class Refresh:
    refresh_token: str = field(repr=False)


@dataclass(frozen=True)
class RefreshHandler:
    """Each token is used once. Within the grace a repeat gets the same successor; after it, a repeat means that two
    hold the token, so the whole session ends (RFC 9700, section 4.14.2). The role is the present one.

    Refused: RefreshRefused, NoSigningKey.
    """

    clock: Clock
    transactions: Transactions
    tokens: AccessTokens
    seal: Seal

    async def __call__(self, context: Context, command: Refresh) -> Result[Tokens]:
        token = BearerSecret.parse(command.refresh_token)
        if token is None:
            return Err(RefreshRefused())
        used = await self.transactions.run(context, self._use, token)
        if isinstance(used, Err):
            return used
        return Ok(used.value) if used.value is not None else Err(RefreshRefused())

    async def _use(self, tx: Transaction, token: BearerSecret) -> Result[Tokens | None]:
        """None: refused, with an effect that must stay. (`Err` would undo it.)"""
        await tx.enter(token.org_id)
        session = await tx.sessions.get(token.owner_id)
        stored = await tx.sessions.token(token.owner_id, token.digest)
        now = self.clock.now()
        if session is None or stored is None or not session.is_live(now):
            return Err(RefreshRefused())
        tx.act_as(session.user_id)
        if stored.standing(now) is Standing.REUSED:
            await _revoke(tx, session, now)
            return Ok(None)
        return await self._go_on(tx, session, stored, now)

    async def _go_on(
        self, tx: Transaction, session: Session, stored: StoredToken, now: datetime
    ) -> Result[Tokens | None]:
        role = await present_role(tx, session.user_id)
        if role is None or not await tx.users.is_active(session.user_id):
            return Err(RefreshRefused())
        if stored.sealed_successor is not None:
            successor = self.seal.open(stored.sealed_successor, stored.digest).decode()
        else:
            successor = await self._rotate(tx, session, stored, now)
        # The moment of issue is read while the membership is held: a role lowered later revokes what was issued before.
        signed = self.tokens.sign(session, role, now=self.clock.now())
        return signed if isinstance(signed, Err) else Ok(Tokens(signed.value, successor))

    async def _rotate(self, tx: Transaction, session: Session, stored: StoredToken, now: datetime) -> str:
        successor = BearerSecret.new(session.org_id, session.id)
        sealed = self.seal.seal(successor.text.encode(), stored.digest)
        await tx.sessions.use_token(session.id, stored.digest, sealed, now)
        await tx.sessions.add_token(session, successor.digest)
        return successor.text


async def _revoke(tx: Transaction, session: Session, now: datetime) -> None:
    log.warning("refresh-token.reused", user_id=str(session.user_id), session_id=str(session.id))
    tx.announce(session.end("refresh-token-reused", now=now))
    await tx.sessions.end(session)
