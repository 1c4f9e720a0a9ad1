"""One transaction of auth: its repositories over the connection of one command."""

from dataclasses import replace
from functools import cached_property
from uuid import UUID

from auth.adapters.auth_views import PostgresViews
from auth.adapters.invitations import PostgresInvitations
from auth.adapters.members import PostgresMembers
from auth.adapters.organisations import PostgresOrganisations
from auth.adapters.publishing import record_of
from auth.adapters.sessions import PostgresSessions
from auth.adapters.super_admins import PostgresSuperAdmins
from auth.adapters.users import PostgresUsers
from chassis.core import Actor, DomainEvent
from chassis.use_case import Context, Work


class PostgresTransaction:
    def __init__(self, work: Work) -> None:
        self.work = work

    @property
    def context(self) -> Context:
        return self.work.context

    @cached_property
    def users(self) -> PostgresUsers:
        return PostgresUsers(self.work)

    @cached_property
    def organisations(self) -> PostgresOrganisations:
        return PostgresOrganisations(self.work)

    @cached_property
    def members(self) -> PostgresMembers:
        return PostgresMembers(self.work)

    @cached_property
    def invitations(self) -> PostgresInvitations:
        return PostgresInvitations(self.work)

    @cached_property
    def sessions(self) -> PostgresSessions:
        return PostgresSessions(self.work)

    @cached_property
    def super_admins(self) -> PostgresSuperAdmins:
        return PostgresSuperAdmins(self.work)

    @cached_property
    def views(self) -> PostgresViews:
        return PostgresViews(self.work)

    async def enter(self, org_id: UUID) -> None:
        await self.work.scope_to([org_id])
        self.work.context = replace(self.work.context, org_id=org_id)

    def act_as(self, user_id: UUID) -> None:
        self.work.context = replace(self.work.context, actor=Actor.user(user_id))

    def announce(self, event: DomainEvent) -> None:
        record = record_of(event)
        self.work.publish_record(record.event, key=record.key, org_id=self.context.org_id)
