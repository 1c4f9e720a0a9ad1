"""PostgreSQL and Kafka alone, for tests: `with Backends() as backends: backends.service_environment("chats")`.

In this order: servers whose addresses the environment names (`STOA_POSTGRES_ADMIN_DSN`, `STOA_KAFKA_BOOTSTRAP` with
the administrator's `STOA_KAFKA_USERNAME` and `STOA_KAFKA_PASSWORD`), servers that `python -m local_stack backends
start` or an earlier run with `STOA_KEEP_BACKENDS=1` left running, else new ones that end with the context.
"""

import os
from types import TracebackType
from typing import Self

from local_stack import databases
from local_stack.addresses import Addresses, given
from local_stack.paths import state_folder
from local_stack.seed import Seed
from local_stack.servers import Servers, run_apart


class Backends:
    """The two servers for the length of a `with` block.

    `addresses`: those of servers that somebody else holds, instead of looking for any.
    Entering raises `BackendDied` when one does not come up, `IncompleteAddresses` when the environment names only one.
    """

    def __init__(self, addresses: Addresses | None = None) -> None:
        self._given = addresses
        self._own: Servers | None = None

    def __enter__(self) -> Self:
        kept, named = Servers.kept(), self._given or given(Seed.kept_in(state_folder()))
        if named or kept.running:
            self.addresses = named or kept.addresses
        elif os.environ.get("STOA_KEEP_BACKENDS") == "1":
            self.addresses = Servers.shared()
        else:
            Servers.sweep()
            self._own = Servers.of_this_process()
            self.addresses = self._own.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._own is not None:
            self._own.stop()

    def service_environment(self, service: str, *, namespace: str = "", database: str | None = None) -> dict[str, str]:
        """The service's `STOA_*` settings. Makes its database, three roles and Kafka user unless they are there.

        `database` is the service's name unless given (a suite takes its own); `namespace` goes before all topics and
        groups. Raises `asyncpg.PostgresError`, `OSError` or `kafka_users.UsersNotMade`.
        """
        name = database or service
        run_apart(self.addresses.provision_databases({name: service}))
        run_apart(self.addresses.provision_users([service]))
        return self.addresses.settings_of(service, database=name, namespace=namespace)

    def drop_database(self, database: str) -> None:
        """Remove a database, whoever is connected."""
        run_apart(databases.drop(self.addresses.postgres_admin_dsn, database))
