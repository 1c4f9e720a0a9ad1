"""Signs somebody in."""

from dataclasses import dataclass, field

import structlog

from auth.application.accept_invitation import accept_invitation, find_invitation
from auth.application.grants import Tokens
from auth.application.ports import AccessTokens, Passwords, Transaction, Transactions, Verdict
from auth.application.super_admins import present_role
from auth.domain.errors import InvitationInvalid, NoMembership, SignInRefused
from auth.domain.events import SignInFailed, SignInSucceeded
from auth.domain.password import normal_password
from auth.domain.secrets import BearerSecret
from auth.domain.session import Session
from auth.domain.user import Account
from chassis.core import Clock, Err, Ok, Result
from chassis.use_case import Context
from contracts.permissions import Role

log = structlog.get_logger()


@dataclass(frozen=True)
class Login:
    """`email` is in its normal form. With an invitation, who has an account joins its organisation and goes there."""

    email: str
    password: str = field(repr=False)
    invitation_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class _Verified:
    account: Account
    renewed_hash: str | None = field(repr=False)
    invitation_token: str | None = field(repr=False)


@dataclass(frozen=True)
class LoginHandler:
    """Finds, hashes and opens the session in this order: no transaction is held while hashing.

    Refused: SignInRefused, HashingBusy, NoSigningKey; after the right password also NoMembership, InvitationInvalid.
    """

    clock: Clock
    transactions: Transactions
    passwords: Passwords
    tokens: AccessTokens

    async def __call__(self, context: Context, command: Login) -> Result[Tokens]:
        found = await self.transactions.run(context, _find, command.email)
        if isinstance(found, Err):
            return found
        password_hash = found.value.password_hash if found.value is not None else None
        verdict = await self.passwords.verify(normal_password(command.password), password_hash)
        if isinstance(verdict, Err):
            return verdict
        checked = _checked(found.value, verdict.value)
        if isinstance(checked, SignInFailed):
            await self.transactions.run(context, _note_failure, checked)
            return Err(SignInRefused())
        verified = _Verified(checked, verdict.value.renewed_hash, command.invitation_token)
        return await self.transactions.run(context, self._open, verified)

    async def _open(self, tx: Transaction, verified: _Verified) -> Result[Tokens]:
        account = verified.account
        if await tx.users.account(account.email) != account:
            return Err(SignInRefused())
        tx.act_as(account.user_id)
        entered = await self._enter(tx, account, verified.invitation_token)
        if isinstance(entered, Err):
            return entered
        if verified.renewed_hash is not None:
            await tx.users.renew_hash(account.user_id, verified.renewed_hash)
        return await self._start(tx, account, entered.value)

    async def _enter(self, tx: Transaction, account: Account, token: str | None) -> Result[Role]:
        """Sessions are locked before memberships, here and everywhere."""
        invitation = await find_invitation(tx, token) if token is not None else None
        if token is not None and invitation is None:
            return Err(InvitationInvalid())
        if invitation is None:
            await tx.enter(account.home_id)
        now = self.clock.now()
        await tx.sessions.remove_dead(account.user_id, now)
        if invitation is not None:
            accepted = await accept_invitation(tx, invitation, account.user_id, account.email, now=now)
            if isinstance(accepted, Err):
                return accepted
            await tx.users.move_home(account.user_id, invitation.org_id)
        role = await present_role(tx, account.user_id)
        return Ok(role) if role is not None else Err(NoMembership())

    async def _start(self, tx: Transaction, account: Account, role: Role) -> Result[Tokens]:
        now = self.clock.now()
        session = Session.start(tx.context.organisation, account.user_id, now=now)
        refresh = BearerSecret.new(session.org_id, session.id)
        await tx.sessions.add(session)
        await tx.sessions.add_token(session, refresh.digest)
        tx.announce(SignInSucceeded(session.user_id, session.id))
        signed = self.tokens.sign(session, role, now=now)
        return signed if isinstance(signed, Err) else Ok(Tokens(signed.value, refresh.text))


async def _find(tx: Transaction, email: str) -> Result[Account | None]:
    return Ok(await tx.users.account(email))


def _checked(account: Account | None, verdict: Verdict) -> Account | SignInFailed:
    if account is None:
        return SignInFailed(None, "unknown-address")
    if not verdict.right:
        return SignInFailed(account.user_id, "wrong-password")
    return account if account.active else SignInFailed(account.user_id, "not-active")


async def _note_failure(tx: Transaction, failed: SignInFailed) -> Result[None]:
    user = str(failed.user_id) if failed.user_id is not None else None
    log.warning("sign-in.failed", user_id=user, reason=failed.reason)
    tx.announce(failed)
    return Ok(None)
