"""One transaction of agent: its repositories over the connection of one command."""

from functools import cached_property

from agent.adapters.agents import PostgresAgents
from agent.adapters.members import PostgresMembers
from agent.adapters.projections import PostgresProjections
from agent.adapters.runs import PostgresRuns
from agent.adapters.views import PostgresViews
from chassis.use_case import Context, Work


class PostgresTransaction:
    def __init__(self, work: Work) -> None:
        self.work = work

    @property
    def context(self) -> Context:
        return self.work.context

    @cached_property
    def agents(self) -> PostgresAgents:
        return PostgresAgents(self.work)

    @cached_property
    def runs(self) -> PostgresRuns:
        return PostgresRuns(self.work)

    @cached_property
    def projections(self) -> PostgresProjections:
        return PostgresProjections(self.work)

    @cached_property
    def members(self) -> PostgresMembers:
        return PostgresMembers(self.work)

    @cached_property
    def views(self) -> PostgresViews:
        return PostgresViews(self.work.connection, self.context.org_id)
