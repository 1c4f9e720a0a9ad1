"""What a process is made of beside its routes: relay, consumers, tails, workers."""

from typing import Protocol

from chassis.health import Health


class Component(Protocol):
    """Something that runs for as long as its process does.

    `run` returns only when it is cancelled. It owns its retries: a broker or database that is away is waited for with
    growing pauses, one clear line in the log, and `health` saying so. It raises only to end the process.
    """

    @property
    def name(self) -> str:
        """Stable and lower-case, e.g. `relay` or `chats.transcript`: it names the check in `/health/ready`."""
        ...

    async def run(self) -> None: ...

    def health(self) -> Health:
        """The present state, without waiting for anything. Before the first success: unhealthy, with the reason."""
        ...
