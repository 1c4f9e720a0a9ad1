"""What a soak calls well."""

from .soak import Kept

_LEVELS = {"tasks": 20, "connections": 10, "descriptors": 40, "threads": 5}


def test_memory_that_stays_is_well() -> None:
    up_and_down = [(minute / 6, 100.0 + minute % 2) for minute in range(120)]
    assert Kept("chats", up_and_down, _LEVELS, _LEVELS).is_well


def test_memory_that_grows_steadily_is_not() -> None:
    growing = [(minute / 6, 100 + 1.2 * minute / 6) for minute in range(120)]
    kept = Kept("chats", growing, _LEVELS, _LEVELS)
    assert round(kept.growth, 3) == 1.2
    assert not kept.is_well


def test_a_level_that_stays_up_is_not() -> None:
    still = [(0.0, 100.0), (1.0, 100.0)]
    assert not Kept("chats", still, _LEVELS, {**_LEVELS, "tasks": 60}).is_well
