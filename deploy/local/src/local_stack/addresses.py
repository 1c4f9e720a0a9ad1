"""Where the two servers are, and what one service is told about them."""

import os
from dataclasses import dataclass

from local_stack import databases, kafka_users
from local_stack.kafka_users import Credentials
from local_stack.seed import Seed


class IncompleteAddresses(Exception):
    """Only one of two servers is named where both are needed."""


@dataclass(frozen=True)
class Addresses:
    """Both servers, who administers them, and the seed of all other passwords."""

    postgres_admin_dsn: str
    kafka_bootstrap: str
    kafka_username: str | None
    kafka_password: str | None
    seed: str

    def environment(self) -> dict[str, str]:
        """As settings: with these in the environment, the same servers are used."""
        found = {
            "STOA_POSTGRES_ADMIN_DSN": self.postgres_admin_dsn,
            "STOA_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "STOA_KAFKA_USERNAME": self.kafka_username,
            "STOA_KAFKA_PASSWORD": self.kafka_password,
            "STOA_SEED": self.seed,
        }
        return {name: value for name, value in found.items() if value is not None}

    @property
    def kafka_admin(self) -> Credentials | None:
        """None for an open cluster, which knows no users."""
        if self.kafka_username is None or self.kafka_password is None:
            return None
        return Credentials(self.kafka_username, self.kafka_password)

    def settings_of(self, process: str, *, database: str | None = None, namespace: str = "") -> dict[str, str]:
        """The `STOA_*` settings that a process needs for the servers; `database` None: it has none."""
        seed = Seed(self.seed)
        user = self._user(process)
        return {
            "STOA_ENVIRONMENT": "development",
            "STOA_ENCRYPTION_KEYS": seed.encryption_keys(),
            "STOA_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "STOA_KAFKA_NAMESPACE": namespace,
            **({} if user is None else {"STOA_KAFKA_USERNAME": user.username, "STOA_KAFKA_PASSWORD": user.password}),
            **(databases.addresses(self.postgres_admin_dsn, process, database, seed) if database else {}),
        }

    async def provision_databases(self, services: dict[str, str]) -> None:
        """Make each database and the roles of its service; raises what `databases.provision` does."""
        await databases.provision(self.postgres_admin_dsn, services, Seed(self.seed))

    async def provision_users(self, processes: list[str]) -> None:
        """Make the Kafka user of each process, the administrator's own excepted."""
        users = [user for process in processes if (user := self._user(process)) not in (None, self.kafka_admin)]
        if users:
            await kafka_users.provision(self.kafka_bootstrap, self.kafka_admin, [user for user in users if user])

    def _user(self, process: str) -> Credentials | None:
        admin = self.kafka_admin
        if admin is None or process == admin.username:
            return admin
        return Credentials(process, Seed(self.seed).password(f"kafka:{process}"))


@dataclass(frozen=True)
class Advertised:
    """Host and port at which clients are told to look for a server of our own; None: where it listens."""

    postgres: str | None
    kafka: str | None


def advertised() -> Advertised:
    """What the environment says stands before the servers: a proxy, which whoever starts the stack has opened."""
    return Advertised(os.environ.get("STOA_POSTGRES_ADVERTISED"), os.environ.get("STOA_KAFKA_ADVERTISED"))


def given(seed: Seed) -> Addresses | None:
    """The servers that the environment names, None when it names none. Raises `IncompleteAddresses` for one alone."""
    dsn, bootstrap = os.environ.get("STOA_POSTGRES_ADMIN_DSN"), os.environ.get("STOA_KAFKA_BOOTSTRAP")
    if not dsn and not bootstrap:
        return None
    if not dsn or not bootstrap:
        raise IncompleteAddresses("set both STOA_POSTGRES_ADMIN_DSN and STOA_KAFKA_BOOTSTRAP, or neither")
    user, password = os.environ.get("STOA_KAFKA_USERNAME"), os.environ.get("STOA_KAFKA_PASSWORD")
    return Addresses(dsn, bootstrap, user, password, os.environ.get("STOA_SEED", seed.value))
