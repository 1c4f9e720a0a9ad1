"""The user: a person with an address, a name and a password."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from auth.domain.events import UserRegistered
from chassis.core import Aggregate, new_id

LONGEST_NAME = 200


class UserStatus(StrEnum):
    """Only an active user may sign in."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    DELETED = "deleted"


@dataclass(kw_only=True)
class User(Aggregate):
    """`email` is in its normal form. `home_id` is the organisation that signing in leads to."""

    email: str
    name: str
    home_id: UUID
    registered_at: datetime
    status: UserStatus = UserStatus.ACTIVE

    @classmethod
    def register(cls, *, email: str, name: str, home_id: UUID, now: datetime) -> "User":
        user = cls(id=new_id(), email=email, name=name, home_id=home_id, registered_at=now)
        user.record(UserRegistered())
        return user


@dataclass(frozen=True)
class Account:
    """What a sign-in is checked against. Two readings are equal when nothing of it has changed in between."""

    user_id: UUID
    home_id: UUID
    email: str
    status: UserStatus
    password_hash: str = field(repr=False)

    @property
    def active(self) -> bool:
        return self.status is UserStatus.ACTIVE
