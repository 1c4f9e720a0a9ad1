"""Who belongs to which organisation, as told by auth's events."""

from uuid import UUID

import pytest

from chassis.core import membership_id, new_id
from chassis.kafka.topics import create_topics, delete_topics
from chassis.memberships import memberships_consumer, role_of
from chassis.testing.waiting import eventually, running
from contracts.auth.topics import MEMBERSHIPS
from contracts.auth.v1 import MembershipChanged, MembershipGranted, MembershipRevoked
from contracts.event import Event
from contracts.permissions import Role

from ..sample.stage import Stage
from ..sample.topics import Message


async def test_roles_follow_the_events_and_a_removed_member_is_told_from_an_unknown_one(stage: Stage) -> None:
    await create_topics(stage.kafka, [MEMBERSHIPS])
    member = Member(stage, new_id())
    async with running(*stage.consuming(memberships_consumer("sample"))):
        with pytest.raises(LookupError):
            await member.role()
        await stage.topics.send(member.granted(1, "viewer"), member.changed(2, "viewer", "admin"))
        await eventually(lambda: member.applied(2))
        assert await member.role() is Role.ADMIN
        await stage.topics.send(member.revoked(3, "admin"))
        await eventually(lambda: member.applied(3))
        assert await member.role() is None
        await stage.topics.send(member.granted(4, "editor"))
        await eventually(lambda: member.applied(4))
        assert await member.role() is Role.EDITOR
    await delete_topics(stage.kafka, [MEMBERSHIPS])


class Member:
    """One membership, its events as auth publishes them."""

    def __init__(self, stage: Stage, user_id: UUID) -> None:
        self.stage, self.user_id = stage, user_id
        self.id = membership_id(stage.org_id, user_id)

    def granted(self, sequence: int, role: str) -> Message:
        return self._message(MembershipGranted.model_validate(self._data(role, "active")), sequence)

    def changed(self, sequence: int, before: str, role: str) -> Message:
        return self._message(
            MembershipChanged.model_validate({**self._data(role, "active"), "previous_role": before}), sequence
        )

    def revoked(self, sequence: int, role: str) -> Message:
        return self._message(MembershipRevoked.model_validate(self._data(role, "revoked")), sequence)

    async def role(self) -> Role | None:
        async with self.stage.database.transaction([self.stage.org_id]) as connection:
            return await role_of(connection, self.stage.org_id, self.user_id)

    async def applied(self, sequence: int) -> bool:
        rows = await self.stage.rows(
            "SELECT 1 FROM inbox WHERE key = :key AND sequence = :n", key=str(self.id), n=sequence
        )
        return rows != []

    def _data(self, role: str, status: str) -> dict[str, object]:
        ids = {"membership_id": self.id, "organisation_id": self.stage.org_id, "user_id": self.user_id}
        return {**ids, "role": role, "state": {**ids, "role": role, "status": status}}

    def _message(self, event: Event, sequence: int) -> Message:
        return Message.of(event, key=str(self.id), org_id=self.stage.org_id, sequence=sequence)
