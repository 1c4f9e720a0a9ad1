"""Who acted: the value of `ce_actor`.

`user:<id>` | `user:<id>;agent:<id>@<version>;run:<id>` | `system:<service>`
"""

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

UUID_PATTERN: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
ACTOR: Final = re.compile(
    rf"user:(?P<user>{UUID_PATTERN})"
    rf"(?:;agent:(?P<agent>{UUID_PATTERN})@(?P<version>[1-9][0-9]{{0,8}});run:(?P<run>{UUID_PATTERN}))?"
    r"|system:(?P<service>[a-z][a-z0-9-]{0,62})"
)


@dataclass(frozen=True, slots=True)
class Through:
    """The agent, in one of its versions, and the run through which a user acted."""

    agent_id: UUID
    agent_version: int
    run_id: UUID


@dataclass(frozen=True, slots=True)
class UserActor:
    """A user, by their own hand or through an agent."""

    user_id: UUID
    through: Through | None = None

    def __str__(self) -> str:
        if self.through is None:
            return f"user:{self.user_id}"
        agent = self.through
        return f"user:{self.user_id};agent:{agent.agent_id}@{agent.agent_version};run:{agent.run_id}"


@dataclass(frozen=True, slots=True)
class SystemActor:
    """A service that acts on its own account."""

    service: str

    def __str__(self) -> str:
        return f"system:{self.service}"


def parse_actor(text: str) -> UserActor | SystemActor:
    """Reads what `str(actor)` wrote. Raises ValueError on anything else."""
    found = ACTOR.fullmatch(text)
    if found is None:
        raise ValueError("an actor is user:<id>, user:<id>;agent:<id>@<version>;run:<id> or system:<service>")
    if found["service"] is not None:
        return SystemActor(found["service"])
    if found["agent"] is None:
        return UserActor(UUID(found["user"]))
    return UserActor(UUID(found["user"]), Through(UUID(found["agent"]), int(found["version"]), UUID(found["run"])))
