"""What agent keeps of others, in PostgreSQL: one table per aggregate of theirs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Table, select, update

from agent.adapters import tables
from agent.application.ports import KnownChat, KnownMessage, KnownModule
from agent.domain.commands import Completed, Reply
from agent.domain.tools import Kind
from chassis.use_case import Work


class PostgresProjections:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def find_chat(self, chat_id: UUID) -> KnownChat | None:
        chats = tables.chats.c
        query = select(tables.chats).where(chats.id == chat_id, chats.org_id == self._work.context.org_id)
        row = (await self._work.connection.execute(query)).first()
        if row is not None:
            return KnownChat(row.id, row.org_id, tuple(row.participants), row.agent_id)
        return await self._asked_for(chat_id)

    async def _asked_for(self, chat_id: UUID) -> KnownChat | None:
        runs = tables.runs.c
        query = select(runs.org_id, runs.user_id, runs.agent_id).where(
            runs.chat_id == chat_id, runs.org_id == self._work.context.org_id, runs.open_chat
        )
        row = (await self._work.connection.execute(query)).first()
        return KnownChat(chat_id, row.org_id, (row.user_id,), row.agent_id) if row is not None else None

    def put_chat(self, chat: KnownChat) -> None:
        self._put(
            tables.chats,
            {
                "id": chat.chat_id,
                "org_id": chat.org_id,
                "participants": list(chat.participants),
                "agent_id": chat.agent_id,
            },
        )

    def put_message(self, message: KnownMessage) -> None:
        self._put(tables.messages, asdict(message))

    def put_kind(self, kind: Kind) -> None:
        self._put(tables.kinds, asdict(kind))

    def put_module(self, module: KnownModule) -> None:
        row = asdict(module)
        self._put(tables.modules, {"id": row.pop("module_id"), **row})

    async def put_reply(self, command_id: UUID, run_id: UUID, reply: Reply) -> None:
        done = isinstance(reply, Completed)
        content = reply.module if isinstance(reply, Completed) else {"slug": reply.slug, "detail": reply.detail}
        commands = tables.run_commands.c
        first = update(tables.run_commands).where(
            commands.id == command_id,
            commands.org_id == self._work.context.org_id,
            commands.run_id == run_id,
            commands.verdict.is_(None),
        )
        await self._work.connection.execute(first.values(verdict="completed" if done else "refused", reply=content))

    def _put(self, table: Table, row: dict[str, Any]) -> None:
        values = (json.dumps(value) if isinstance(table.c[name].type, JSON) else value for name, value in row.items())
        self._work.put(_upsert(table, tuple(row)), *values)


@cache
def _upsert(table: Table, names: Sequence[str]) -> str:
    keys = [column.name for column in table.primary_key]
    new = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    places = ", ".join(f"${number}" for number, _ in enumerate(names, start=1))
    return f"""
INSERT INTO {table.name} ({", ".join(names)}) VALUES ({places})
ON CONFLICT ({", ".join(keys)}) DO UPDATE SET {new}
"""  # noqa: S608  the names are the tables' own
