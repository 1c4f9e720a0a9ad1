"""Ends a session."""

from dataclasses import dataclass
from uuid import UUID

from auth.application.ports import Transaction
from chassis.core import Clock, Ok, Result


@dataclass(frozen=True)
class Logout:
    session_id: UUID


@dataclass(frozen=True)
class LogoutHandler:
    """A session that has ended already stays as it is. Refuses nothing."""

    clock: Clock

    async def __call__(self, tx: Transaction, command: Logout) -> Result[None]:
        session = await tx.sessions.get(command.session_id)
        if session is not None and session.ended_at is None:
            tx.announce(session.end("signed-out", now=self.clock.now()))
            await tx.sessions.end(session)
        return Ok(None)
