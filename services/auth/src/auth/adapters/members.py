"""Memberships in PostgreSQL."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, insert, select, update

from auth.adapters import tables
from auth.adapters.publishing import membership_event
from auth.domain.membership import MemberRole, Membership
from chassis.use_case import Work

_MEMBER = tables.members.c


class PostgresMembers:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def get(self, user_id: UUID) -> Membership | None:
        query = select(tables.members).where(self._of(user_id)).with_for_update()
        row = (await self._work.connection.execute(query)).mappings().first()
        return Membership(**{**row, "role": MemberRole(row["role"])}) if row is not None else None

    async def role_of(self, user_id: UUID) -> MemberRole | None:
        query = select(_MEMBER.role).where(self._of(user_id), _MEMBER.active).with_for_update(read=True)
        role = (await self._work.connection.execute(query)).scalar()
        return MemberRole(role) if role is not None else None

    async def has_other_admin(self, user_id: UUID) -> bool:
        mine = _MEMBER.org_id == self._work.context.organisation
        others = and_(mine, _MEMBER.active, _MEMBER.role == MemberRole.ADMIN, _MEMBER.user_id != user_id)
        return bool((await self._work.connection.execute(select(exists().where(others)))).scalar())

    async def add(self, membership: Membership) -> None:
        await self._work.connection.execute(insert(tables.members), _row(membership))
        self._work.publish(membership, membership_event, org_id=membership.org_id)

    async def save(self, membership: Membership) -> None:
        changed = update(tables.members).where(
            _MEMBER.id == membership.id, _MEMBER.sequence == membership.stored_sequence
        )
        await self._work.change_one(changed, _row(membership))
        self._work.publish(membership, membership_event, org_id=membership.org_id)

    def _of(self, user_id: UUID) -> ColumnElement[bool]:
        return and_(_MEMBER.org_id == self._work.context.organisation, _MEMBER.user_id == user_id)


def _row(membership: Membership) -> dict[str, Any]:
    return {column.name: getattr(membership, column.name) for column in _MEMBER}
