"""Sessions and their refresh tokens in PostgreSQL."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from auth.adapters import tables
from auth.domain.session import GRACE, Session, StoredToken
from chassis.use_case import Work

_SESSION = tables.sessions.c
_TOKEN = tables.refresh_tokens.c


class PostgresSessions:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, session: Session) -> None:
        row = {column.name: getattr(session, column.name) for column in _SESSION}
        await self._execute(insert(tables.sessions), row)

    async def get(self, session_id: UUID) -> Session | None:
        query = select(tables.sessions).where(_SESSION.id == session_id, self._mine).with_for_update()
        row = (await self._execute(query)).mappings().first()
        return Session(**row) if row is not None else None

    async def end(self, session: Session) -> None:
        ended = update(tables.sessions).where(_SESSION.id == session.id, self._mine)
        await self._work.change_one(ended, {"ended_at": session.ended_at})

    async def end_all_of(self, user_id: UUID, now: datetime) -> None:
        live = update(tables.sessions).where(_SESSION.user_id == user_id, _SESSION.ended_at.is_(None), self._mine)
        await self._execute(live.values(ended_at=now))

    async def remove_dead(self, user_id: UUID, now: datetime) -> None:
        is_dead = or_(_SESSION.ended_at.is_not(None), _SESSION.expires_at <= now)
        await self._execute(delete(tables.sessions).where(_SESSION.user_id == user_id, is_dead, self._mine))

    async def token(self, session_id: UUID, digest: bytes) -> StoredToken | None:
        query = select(_TOKEN.digest, _TOKEN.used_at, _TOKEN.sealed_successor)
        found = await self._execute(query.where(_TOKEN.session_id == session_id, _TOKEN.digest == digest))
        row = found.mappings().first()
        return StoredToken(**row) if row is not None else None

    async def add_token(self, session: Session, digest: bytes) -> None:
        row = {"digest": digest, "session_id": session.id, "org_id": session.org_id}
        await self._execute(insert(tables.refresh_tokens), row)

    async def use_token(self, session_id: UUID, digest: bytes, sealed_successor: bytes, now: datetime) -> None:
        family = update(tables.refresh_tokens).where(_TOKEN.session_id == session_id)
        past = family.where(_TOKEN.used_at <= now - GRACE, _TOKEN.sealed_successor.is_not(None))
        await self._execute(past.values(sealed_successor=None))
        used = family.where(_TOKEN.digest == digest, _TOKEN.used_at.is_(None))
        await self._work.change_one(used, {"used_at": now, "sealed_successor": sealed_successor})

    async def _execute(self, statement: Any, row: dict[str, Any] | None = None) -> Any:
        return await self._work.connection.execute(statement, row)

    @property
    def _mine(self) -> ColumnElement[bool]:
        return _SESSION.org_id == self._work.context.organisation
