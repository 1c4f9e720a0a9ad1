"""Invitations in PostgreSQL."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, insert, select, update

from auth.adapters import tables
from auth.domain.invitation import Invitation
from auth.domain.membership import MemberRole
from chassis.use_case import Work

_INVITATION = tables.invitations.c
FIELDS = [column for column in _INVITATION if column.name != "token_digest"]


class PostgresInvitations:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def get(self, invitation_id: UUID) -> Invitation | None:
        return await self._find(_INVITATION.id == invitation_id)

    async def with_digest(self, invitation_id: UUID, digest: bytes) -> Invitation | None:
        return await self._find(_INVITATION.id == invitation_id, _INVITATION.token_digest == digest)

    async def add(self, invitation: Invitation, digest: bytes) -> None:
        row = {column.name: getattr(invitation, column.name) for column in FIELDS}
        await self._work.connection.execute(insert(tables.invitations), row | {"token_digest": digest})

    async def save(self, invitation: Invitation) -> None:
        changed = update(tables.invitations).where(_INVITATION.id == invitation.id, self._mine)
        values = {"accepted_by": invitation.accepted_by, "revoked_at": invitation.revoked_at}
        await self._work.change_one(changed, values)

    async def revoke_open(self, email: str, now: datetime) -> None:
        standing = (_INVITATION.accepted_by.is_(None), _INVITATION.revoked_at.is_(None))
        revoked = update(tables.invitations).where(_INVITATION.email == email, *standing, self._mine)
        await self._work.connection.execute(revoked.values(revoked_at=now))

    async def _find(self, *conditions: ColumnElement[bool]) -> Invitation | None:
        query = select(*FIELDS).where(*conditions, self._mine).with_for_update()
        row = (await self._work.connection.execute(query)).mappings().first()
        return invitation_of(row) if row is not None else None

    @property
    def _mine(self) -> ColumnElement[bool]:
        return _INVITATION.org_id == self._work.context.organisation


def invitation_of(row: Any) -> Invitation:
    """From the columns `FIELDS`."""
    return Invitation(**{**row, "role": MemberRole(row["role"])})
