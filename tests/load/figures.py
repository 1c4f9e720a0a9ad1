"""What a measure finds: our figure, the baseline's of the same run, and the goal that one is held to."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Goal:
    """A limit of the figure itself, or with `times` of its ratio to the baseline."""

    limit: float
    at_least: bool = False
    times: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}{' ×' if self.times else ''}"

    def is_met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


def at_most(limit: float) -> Goal:
    return Goal(limit)


def at_least(limit: float) -> Goal:
    return Goal(limit, at_least=True)


def at_most_times(limit: float) -> Goal:
    return Goal(limit, times=True)


def at_least_times(limit: float) -> Goal:
    return Goal(limit, at_least=True, times=True)


@dataclass(frozen=True)
class Figure:
    """One row of the table. `ours` and `baseline` hold one value of each repeat, in `unit`, taken in turn.

    `measure` is the goal's number in the list of goals (`P1`); without a goal the row is for information.
    """

    measure: str
    what: str
    unit: str
    ours: Sequence[float]
    baseline: Sequence[float] = field(default=())
    against: str = ""
    goal: Goal | None = None

    @property
    def value(self) -> float:
        return statistics.median(self.ours)

    @property
    def base(self) -> float | None:
        return statistics.median(self.baseline) if self.baseline else None

    @property
    def ratio(self) -> float | None:
        """The median of the ratios of neighbours: what slows down both for a while weighs on neither."""
        if not self.baseline:
            return None
        return statistics.median(ours / base for ours, base in zip(self.ours, self.baseline, strict=True))

    @property
    def met(self) -> bool | None:
        """None without a goal. Raises LookupError for a goal that needs the baseline that is missing."""
        if self.goal is None:
            return None
        judged = self.ratio if self.goal.times else self.value
        if judged is None:
            raise LookupError(f"{self.measure} {self.what} has no baseline")
        return self.goal.is_met(judged)
