"""The journal of a run: what each finished step of it gave, in order.

Names and results are persisted data: a run that began under one release may be replayed under the next.
"""

from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one worker to drive one run. Each claim raises the epoch by one; only the highest may write."""

    run_id: UUID
    org_id: UUID
    epoch: int


@dataclass(frozen=True, slots=True)
class Step:
    """One finished step: a model's answer or a tool's result. `number` counts from 1 within the run."""

    number: int
    name: str
    result: JsonValue


class LeaseLost(Exception):  # noqa: N818 - an event that ends the worker's part, not an error of the program
    """Another worker holds the run, or the run has ended: nothing was written, and nothing may be."""


class JournalDiffers(Exception):  # noqa: N818 - states what is wrong, as the failures do
    """A replay asked for another step than the one recorded at this place: the run cannot go on."""

    def __init__(self, number: int, recorded: str, asked: str) -> None:
        super().__init__(f"step {number} was recorded as {recorded!r}, the replay asks for {asked!r}")
