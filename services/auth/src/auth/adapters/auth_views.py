"""What clients are shown, from PostgreSQL."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.adapters import tables
from auth.adapters.invitations import FIELDS, invitation_of
from auth.application.views import MemberView, MeView, OrganisationView
from auth.domain.invitation import Invitation
from auth.domain.membership import MemberRole
from chassis.paging import Listed, Page
from chassis.use_case import Work
from contracts.permissions import Role

_USER = tables.users.c
_MEMBER = tables.members.c
_ORGANISATION = tables.organisations.c
_INVITATION = tables.invitations.c


class PostgresViews:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def me(self, user_id: UUID) -> MeView | None:
        operates = exists().where(tables.super_admins.c.user_id == user_id).label("operates")
        query = (
            select(_USER.email, _USER.name, _MEMBER.role, _ORGANISATION.name.label("organisation_name"), operates)
            .join(tables.members, _MEMBER.user_id == _USER.id)
            .join(tables.organisations, _ORGANISATION.org_id == _MEMBER.org_id)
            .where(_USER.id == user_id, *self._active)
        )
        row = (await self._connection.execute(query)).first()
        if row is None:
            return None
        role = Role.SUPER_ADMIN if row.operates else Role(row.role)
        return MeView(user_id, row.email, row.name, role, self._work.context.organisation, row.organisation_name)

    async def organisation(self) -> OrganisationView | None:
        query = select(tables.organisations).where(_ORGANISATION.org_id == self._work.context.organisation)
        row = (await self._connection.execute(query)).first()
        return OrganisationView(row.org_id, row.name, row.created_at, row.revision) if row is not None else None

    async def member(self, user_id: UUID) -> MemberView | None:
        row = (await self._connection.execute(self._members().where(_MEMBER.user_id == user_id))).mappings().first()
        return _member(row) if row is not None else None

    async def members(self, page: Page) -> Listed[MemberView]:
        query = self._members().order_by(_MEMBER.user_id).limit(page.limit + 1)
        if page.after is not None:
            query = query.where(_MEMBER.user_id > UUID(str(page.after[0])))
        rows = (await self._connection.execute(query)).mappings().all()
        return Listed.cut([_member(row) for row in rows], page, lambda member: (str(member.user_id),))

    async def has_member_with(self, email: str) -> bool:
        found = exists().where(_USER.email == email, _MEMBER.user_id == _USER.id, *self._active)
        return bool((await self._connection.execute(select(found))).scalar())

    async def invitations(self, page: Page) -> Listed[Invitation]:
        query = select(*FIELDS).where(_INVITATION.org_id == self._work.context.organisation)
        if page.after is not None:
            query = query.where(_INVITATION.id < UUID(str(page.after[0])))
        query = query.order_by(_INVITATION.id.desc()).limit(page.limit + 1)
        rows = (await self._connection.execute(query)).mappings().all()
        return Listed.cut([invitation_of(row) for row in rows], page, lambda invitation: (str(invitation.id),))

    def _members(self) -> "Select[Any]":
        fields = (_MEMBER.user_id, _USER.email, _USER.name, _MEMBER.role, _MEMBER.granted_at, _MEMBER.revision)
        return select(*fields).join(tables.users, _USER.id == _MEMBER.user_id).where(and_(*self._active))

    @property
    def _active(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return _MEMBER.org_id == self._work.context.organisation, _MEMBER.active.is_(True)

    @property
    def _connection(self) -> AsyncConnection:
        return self._work.connection


def _member(row: Any) -> MemberView:
    return MemberView(**{**row, "role": MemberRole(row["role"])})
