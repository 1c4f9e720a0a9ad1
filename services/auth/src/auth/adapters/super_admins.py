"""Operators of the platform in PostgreSQL."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from auth.adapters import tables
from auth.application.views import SuperAdminView
from chassis.use_case import Work

_USER = tables.users.c
_ADMIN = tables.super_admins.c


class PostgresSuperAdmins:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def has(self, user_id: UUID) -> bool:
        query = select(_ADMIN.user_id).where(_ADMIN.user_id == user_id).with_for_update(read=True)
        return (await self._work.connection.execute(query)).first() is not None

    async def add(self, user_id: UUID, *, by: str, now: datetime) -> bool:
        row = insert(tables.super_admins).values(user_id=user_id, granted_at=now, granted_by=by)
        added = await self._work.connection.execute(row.on_conflict_do_nothing().returning(_ADMIN.user_id))
        return added.first() is not None

    async def remove(self, user_id: UUID) -> bool:
        row = delete(tables.super_admins).where(_ADMIN.user_id == user_id).returning(_ADMIN.user_id)
        return (await self._work.connection.execute(row)).first() is not None

    async def all(self) -> list[SuperAdminView]:
        query = select(_USER.email, _ADMIN.granted_at, _ADMIN.granted_by).join(tables.users, _USER.id == _ADMIN.user_id)
        rows = await self._work.connection.execute(query.order_by(_USER.email))
        return [SuperAdminView(*row) for row in rows]
