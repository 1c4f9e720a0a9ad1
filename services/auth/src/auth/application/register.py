"""Signs somebody up."""

from dataclasses import dataclass, field

from auth.application.accept_invitation import accept_invitation, find_invitation
from auth.application.pacing import at_least
from auth.application.ports import Passwords, Transaction, Transactions
from auth.domain.errors import InvitationInvalid
from auth.domain.invitation import Invitation
from auth.domain.membership import MemberRole, Membership
from auth.domain.organisation import LONGEST_NAME, Organisation
from auth.domain.password import PasswordPolicy, normal_password
from auth.domain.user import User
from chassis.core import Clock, Err, Ok, Result, new_id
from chassis.use_case import Context

WRITES_TAKE_S = 0.05
"""What is granted to the transaction: with or without writing, the answer leaves this long after the hashing."""


@dataclass(frozen=True)
class Register:
    """`email` is in its normal form. An invitation leads to its organisation; without one, a new one is made."""

    email: str
    name: str
    password: str = field(repr=False)
    organisation_name: str | None = None
    invitation_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class _SignUp:
    command: Register
    password_hash: str = field(repr=False)


@dataclass(frozen=True)
class RegisterHandler:
    """Answers alike, and after the same time, for known and unknown addresses; a known one changes nothing.

    Refused, whoever has the address: PasswordTooShort, PasswordTooLong, PasswordGuessable, InvitationInvalid,
    HashingBusy.
    """

    clock: Clock
    transactions: Transactions
    policy: PasswordPolicy
    passwords: Passwords

    async def __call__(self, context: Context, command: Register) -> Result[None]:
        password = normal_password(command.password)
        about = (command.email, command.name, command.organisation_name or "")
        accepted = self.policy.check(password, context=about)
        if isinstance(accepted, Err):
            return accepted
        hashed = await self.passwords.hash(password)
        if isinstance(hashed, Err):
            return hashed
        async with at_least(WRITES_TAKE_S):
            return await self.transactions.run(context, self._sign_up, _SignUp(command, hashed.value))

    async def _sign_up(self, tx: Transaction, step: _SignUp) -> Result[None]:
        command, now = step.command, self.clock.now()
        invitation: Invitation | None = None
        if command.invitation_token is not None:
            invitation = await find_invitation(tx, command.invitation_token)
            if invitation is None or not invitation.could_be_of(command.email, now):
                return Err(InvitationInvalid())
        home_id = invitation.org_id if invitation is not None else new_id()
        user = User.register(email=command.email, name=command.name, home_id=home_id, now=now)
        tx.act_as(user.id)
        if not await tx.users.add(user, step.password_hash):
            return Ok(None)
        if invitation is not None:
            return await accept_invitation(tx, invitation, user.id, user.email, now=now)
        return await self._found(tx, user, command.organisation_name)

    async def _found(self, tx: Transaction, user: User, name: str | None) -> Result[None]:
        await tx.enter(user.home_id)
        organisation = Organisation.create(user.home_id, name or _usual_name(user), now=user.registered_at)
        await tx.organisations.add(organisation)
        founder = Membership.grant(user.home_id, user.id, MemberRole.ADMIN, now=user.registered_at)
        await tx.members.add(founder)
        return Ok(None)


def _usual_name(user: User) -> str:
    ending = "'s organisation"
    return user.name[: LONGEST_NAME - len(ending)] + ending
