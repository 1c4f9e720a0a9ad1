"""The workers' queue: who may drive which run."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from agent.domain.journal import Lease


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that is ours now, and the trace in which it was asked for."""

    lease: Lease
    traceparent: str | None


class Queue(Protocol):
    """Leases of runs. A run whose lease has run out, or was given back, is for whoever claims it next."""

    async def claim(self, *, full: Collection[UUID]) -> Claimed | None:
        """The next free run of an organisation that is not among `full`, with a new epoch; None when there is none.

        Organisations take turns: one with fewer runs under way goes first. Free is no run whose chat has another one
        under way or before it, nor one that waits for a reply.
        """
        ...

    async def extend(self, leases: Sequence[Lease]) -> set[UUID]:
        """Keeps the leases for another while; answers the runs that are still held."""
        ...

    async def release(self, lease: Lease) -> None:
        """Gives the run back at once."""
        ...
