"""Modules' own command, carried out in this process: the write that several measures are about."""

from functools import partial
from uuid import UUID

from chassis.core import Actor, Aggregate, Err, SystemClock, new_id
from chassis.database import Database
from chassis.outbox.store import OutboxStore
from chassis.use_case import Context, Runner, Work
from contracts.permissions import Role
from modules.adapters.transaction import PostgresTransaction
from modules.application.create_module import CreateModule
from modules.application.use_cases import UseCases
from modules.kinds import all_kinds
from modules.settings import Settings

_COMMAND = CreateModule("document", {"title": "Stage plan", "body": "x" * 400, "tags": ["stage", "tour"]})


class _Silent(Work):
    """Publishes nothing."""

    def publish(self, aggregate: Aggregate, *_: object, **__: object) -> None:
        aggregate.take_recorded()


class Writer:
    """`runner` writes with the outbox, `silent` without. Close `database` in the end."""

    def __init__(self, settings: Settings) -> None:
        kinds = all_kinds()
        self.database = Database(settings.database_dsn.get_secret_value(), application="bench")
        self.outbox = OutboxStore()
        self.runner = Runner(self.database, self.outbox, partial(PostgresTransaction, known_kinds=kinds))
        self.silent = Runner(
            self.database,
            OutboxStore(),
            lambda work: PostgresTransaction(_Silent(work.connection, work.context), kinds),
        )
        self._create = UseCases(SystemClock(), kinds).create_module
        self._context = Context(actor=Actor.user(new_id()), org_id=new_id(), role=Role.ADMIN, correlation_id=new_id())

    async def write(self, runner: Runner[PostgresTransaction]) -> UUID:
        """Creates a module and answers its id."""
        result = await runner.run(self._context, self._create, _COMMAND)
        if isinstance(result, Err):
            raise RuntimeError(result.failure.detail)
        return result.value.id
