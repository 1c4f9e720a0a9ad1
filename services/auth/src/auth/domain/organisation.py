"""The organisation: the tenant that everything else belongs to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth.domain.events import OrganisationCreated
from chassis.core import Aggregate

LONGEST_NAME = 200


@dataclass(kw_only=True)
class Organisation(Aggregate):
    name: str
    created_at: datetime

    @classmethod
    def create(cls, organisation_id: UUID, name: str, *, now: datetime) -> "Organisation":
        organisation = cls(id=organisation_id, name=name, created_at=now)
        organisation.record(OrganisationCreated())
        return organisation
