"""Who acts: a user, an agent on behalf of a user, or a service itself."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """One of the three forms of `ce_actor`.

    `user:<id>`, `user:<id>;agent:<id>@<version>;run:<id>` or `system:<service>`.
    """

    user_id: UUID | None = None
    agent_id: UUID | None = None
    agent_version: int | None = None
    run_id: UUID | None = None
    service: str | None = None

    @classmethod
    def user(cls, user_id: UUID) -> "Actor":
        return cls(user_id=user_id)

    @classmethod
    def system(cls, service: str) -> "Actor":
        return cls(service=service)

    def through(self, agent_id: UUID, version: int, run_id: UUID) -> "Actor":
        """The same user, acting through a version of an agent in a run."""
        return Actor(self.user_id, agent_id, version, run_id)

    def __str__(self) -> str:
        if self.service is not None:
            return f"system:{self.service}"
        if self.run_id is None:
            return f"user:{self.user_id}"
        return f"user:{self.user_id};agent:{self.agent_id}@{self.agent_version};run:{self.run_id}"

    @classmethod
    def parse(cls, text: str) -> "Actor":
        """The reverse of `str`. Raises ValueError for anything else."""
        parts = dict(part.split(":", 1) for part in text.split(";"))
        match sorted(parts):
            case ["system"]:
                return cls(service=parts["system"])
            case ["user"]:
                return cls(user_id=UUID(parts["user"]))
            case ["agent", "run", "user"]:
                agent, version = parts["agent"].split("@")
                return cls(UUID(parts["user"]), UUID(agent), int(version), UUID(parts["run"]))
        raise ValueError(f"no actor: {text!r}")
