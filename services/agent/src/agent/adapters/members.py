"""Who belongs to the organisation, by the chassis' projection of memberships."""

from uuid import UUID

from chassis.memberships import role_of
from chassis.use_case import Work
from contracts.permissions import Role


class PostgresMembers:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def role(self, user_id: UUID) -> Role | None:
        return await role_of(self._work.connection, self._work.context.organisation, user_id)
