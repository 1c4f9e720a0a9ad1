import pytest

from .figures import Figure, Goal, at_least, at_least_times, at_most, at_most_times


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (at_most(4), True),
        (at_most(3.9), False),
        (at_least(4), True),
        (at_least(4.1), False),
        (at_most_times(2), True),
        (at_most_times(1.9), False),
        (at_least_times(2), True),
        (at_least_times(2.1), False),
    ],
    ids=str,
)
def test_a_goal_is_held_to_the_median_or_to_its_ratio(goal: Goal, met: bool) -> None:
    assert Figure("P0", "figure", "ms", [1, 4, 100], [2, 2, 2], "baseline", goal).met is met


def test_a_slow_minute_that_hits_both_sides_weighs_on_neither() -> None:
    assert Figure("P0", "figure", "1/s", [100, 50, 100], [200, 100, 200]).ratio == 0.5


def test_without_a_goal_nothing_is_judged() -> None:
    figure = Figure("P0", "figure", "ms", [1.0])
    assert figure.met is None
    assert figure.ratio is None


def test_a_goal_against_a_baseline_that_is_missing_is_no_goal_that_was_met() -> None:
    with pytest.raises(LookupError, match="no baseline"):
        _ = Figure("P0", "figure", "ms", [1.0], goal=at_most_times(2)).met
