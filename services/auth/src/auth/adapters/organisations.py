"""Organisations in PostgreSQL."""

from sqlalchemy import insert, select

from auth.adapters import tables
from auth.adapters.publishing import organisation_event
from auth.domain.organisation import Organisation
from chassis.use_case import Work


class PostgresOrganisations:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, organisation: Organisation) -> None:
        row = {
            "org_id": organisation.id,
            "name": organisation.name,
            "created_at": organisation.created_at,
            "revision": organisation.revision,
            "sequence": organisation.sequence,
        }
        await self._work.connection.execute(insert(tables.organisations), row)
        self._work.publish(organisation, organisation_event, org_id=organisation.id)

    async def lock(self) -> None:
        mine = tables.organisations.c.org_id == self._work.context.organisation
        # Weaker than FOR UPDATE: rows that refer to the organisation can be added meanwhile.
        query = select(tables.organisations.c.org_id).where(mine).with_for_update(key_share=True)
        await self._work.connection.execute(query)
