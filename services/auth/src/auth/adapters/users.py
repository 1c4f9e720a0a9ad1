"""Users and their passwords in PostgreSQL."""

from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from auth.adapters import tables
from auth.adapters.publishing import user_event
from auth.domain.user import Account, User, UserStatus
from chassis.use_case import Work

_USER = tables.users.c
_CREDENTIALS = tables.credentials.c


class PostgresUsers:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, user: User, password_hash: str) -> bool:
        row = upsert(tables.users).values(_row(user)).on_conflict_do_nothing(index_elements=["email"])
        added = await self._work.connection.execute(row.returning(_USER.id))
        if added.first() is None:
            return False
        hashed = insert(tables.credentials).values(user_id=user.id, password_hash=password_hash)
        await self._work.connection.execute(hashed)
        # Of no organisation: a user may belong to several, and nobody in them sees this event.
        self._work.publish(user, user_event, org_id=None)
        return True

    async def account(self, email: str) -> Account | None:
        query = (
            select(_USER.id, _USER.home_id, _USER.email, _USER.status, _CREDENTIALS.password_hash)
            .join(tables.credentials, _CREDENTIALS.user_id == _USER.id)
            .where(_USER.email == email)
        )
        row = (await self._work.connection.execute(query)).first()
        if row is None:
            return None
        return Account(row.id, row.home_id, row.email, UserStatus(row.status), row.password_hash)

    async def is_active(self, user_id: UUID) -> bool:
        query = select(_USER.status).where(_USER.id == user_id)
        return (await self._work.connection.execute(query)).scalar() == UserStatus.ACTIVE

    async def move_home(self, user_id: UUID, org_id: UUID) -> None:
        await self._work.connection.execute(update(tables.users).where(_USER.id == user_id).values(home_id=org_id))

    async def renew_hash(self, user_id: UUID, password_hash: str) -> None:
        renewed = update(tables.credentials).where(_CREDENTIALS.user_id == user_id).values(password_hash=password_hash)
        await self._work.connection.execute(renewed)


def _row(user: User) -> dict[str, Any]:
    return {column.name: getattr(user, column.name) for column in _USER}
