"""Taking turns: what is compared is measured one after the other, again and again, so that a slow minute hits both."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

REPEATS = 5

Sample: TypeAlias = Mapping[str, float]
"""What one repeat found, by the figure's name."""

Side: TypeAlias = Callable[[], Awaitable[Sample]]


async def in_turn(sides: Mapping[str, Side], say: Callable[[str], None], repeats: int = REPEATS) -> "Turns":
    """Each side once to warm up, then all of them in turn."""
    for side in sides.values():
        await side()
    found: dict[str, list[Sample]] = {name: [] for name in sides}
    for number in range(repeats):
        for name, side in sides.items():
            found[name].append(await side())
        say(f"repeat {number + 1} of {repeats}")
    return Turns(found)


class Turns:
    """The samples by side."""

    def __init__(self, found: Mapping[str, list[Sample]]) -> None:
        self._found = found

    def of(self, side: str, figure: str) -> list[float]:
        """A figure of every repeat of one side."""
        return [sample[figure] for sample in self._found[side]]

    def both(self, ours: str, base: str, figure: str) -> tuple[list[float], list[float]]:
        """A figure of our side and of the baseline's."""
        return self.of(ours, figure), self.of(base, figure)
