"""The session: one sign-in, and the family of refresh tokens that follow one another in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from auth.domain.events import AccessRevoked
from chassis.core import new_id

LIFETIME = timedelta(days=30)
"""Absolute: using a session does not prolong it."""
GRACE = timedelta(seconds=10)
"""How long a used refresh token still answers with its successor, for a client that lost the first answer."""


@dataclass(kw_only=True)
class Session:
    id: UUID
    org_id: UUID
    user_id: UUID
    started_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    @classmethod
    def start(cls, org_id: UUID, user_id: UUID, *, now: datetime) -> "Session":
        return cls(id=new_id(), org_id=org_id, user_id=user_id, started_at=now, expires_at=now + LIFETIME)

    def is_live(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.expires_at

    def end(self, reason: str, *, now: datetime) -> AccessRevoked:
        """Ends the session; its access tokens are void from now on."""
        self.ended_at = now
        return AccessRevoked(now, reason, session=self.id)


class Standing(StrEnum):
    """What a refresh token is worth."""

    FRESH = "fresh"
    REPEATED = "repeated"
    REUSED = "reused"


@dataclass(frozen=True)
class StoredToken:
    """A refresh token at rest. `sealed_successor`: the token that followed it, encrypted."""

    digest: bytes
    used_at: datetime | None
    sealed_successor: bytes | None

    def standing(self, now: datetime) -> Standing:
        """Fresh, repeated (used within the grace: a client that tries again), or reused (perhaps stolen)."""
        if self.used_at is None:
            return Standing.FRESH
        in_time = now < self.used_at + GRACE and self.sealed_successor is not None
        return Standing.REPEATED if in_time else Standing.REUSED
