"""Operators of the platform: who is one, and which role a token names."""

from dataclasses import dataclass
from uuid import UUID

from auth.application.ports import Transaction
from auth.domain.events import AccessRevoked
from chassis.core import Clock, Ok, Result
from contracts.permissions import Role


@dataclass(frozen=True)
class GrantSuperAdmin:
    """`by`: who grants it, for the record."""

    user_id: UUID
    by: str


@dataclass(frozen=True)
class RevokeSuperAdmin:
    user_id: UUID


@dataclass(frozen=True)
class GrantSuperAdminHandler:
    """Answers whether anything changed. The next sign-in or refresh gives the role. Refuses nothing."""

    clock: Clock

    async def __call__(self, tx: Transaction, command: GrantSuperAdmin) -> Result[bool]:
        return Ok(await tx.super_admins.add(command.user_id, by=command.by, now=self.clock.now()))


@dataclass(frozen=True)
class RevokeSuperAdminHandler:
    """Answers whether anything changed. Voids the access tokens that name the role. Refuses nothing."""

    clock: Clock

    async def __call__(self, tx: Transaction, command: RevokeSuperAdmin) -> Result[bool]:
        removed = await tx.super_admins.remove(command.user_id)
        if removed:
            # Read after the removal, which waits for those who sign a token with the role: theirs is older.
            tx.announce(AccessRevoked(self.clock.now(), "super-admin-revoked", subject=command.user_id))
        return Ok(removed)


async def present_role(tx: Transaction, user_id: UUID) -> Role | None:
    """The role that a token of this organisation names; None for who is no member. It cannot change before the
    transaction ends."""
    role = await tx.members.role_of(user_id)
    if role is None:
        return None
    return Role.SUPER_ADMIN if await tx.super_admins.has(user_id) else Role(role)
