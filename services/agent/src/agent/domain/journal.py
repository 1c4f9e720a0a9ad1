"""The journal of a run: what each finished step of it gave, in order.

Names and results are persisted data: a run that began under one release may be replayed under the next.
"""

from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from chassis.core import Actor

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one worker to drive one run. Each claim raises the epoch by one; only the highest may write.

    `actor` is the user through the run's agent: on whose behalf everything is done. `correlation_id` is the run's.
    """

    run_id: UUID
    org_id: UUID
    epoch: int
    actor: Actor
    correlation_id: UUID

    @property
    def is_first(self) -> bool:
        """Whether nobody held the run before, so that its journal is empty."""
        return self.epoch == 1


@dataclass(frozen=True, slots=True)
class Step:
    """One finished step: a model's answer or a tool's result. `number` counts from 1 within the run."""

    number: int
    name: str
    result: JsonValue


class LeaseLost(Exception):
    """Another worker holds the run, or the run has ended: nothing was written, and nothing may be."""


class JournalDiffers(Exception):
    """A replay asked for another step than the one recorded at this place: the run cannot go on."""

    def __init__(self, number: int, recorded: str, asked: str) -> None:
        super().__init__(f"step {number} was recorded as {recorded!r}, the replay asks for {asked!r}")
