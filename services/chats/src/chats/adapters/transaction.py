"""One transaction of chats: its repositories over the connection of one command."""

from functools import cached_property

from chassis.use_case import Context, Work
from chats.adapters.agents import PostgresAgents
from chats.adapters.chat_views import PostgresChatViews
from chats.adapters.chats import PostgresChats
from chats.adapters.members import PostgresMembers


class PostgresTransaction:
    def __init__(self, work: Work) -> None:
        self.work = work

    @property
    def context(self) -> Context:
        return self.work.context

    @cached_property
    def chats(self) -> PostgresChats:
        return PostgresChats(self.work)

    @cached_property
    def views(self) -> PostgresChatViews:
        return PostgresChatViews(self.work.connection)

    @cached_property
    def agents(self) -> PostgresAgents:
        return PostgresAgents(self.work.connection)

    @cached_property
    def members(self) -> PostgresMembers:
        return PostgresMembers(self.work.connection, self.context.org_id)
