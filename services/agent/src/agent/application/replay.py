"""Steps of a run: finished ones are given back from the journal, new ones are carried out and committed."""

from collections.abc import Awaitable, Callable, Sequence

from agent.application.ports import Journals
from agent.domain.journal import JournalDiffers, JsonValue, Lease, Step
from chassis.crash_points import crash_point


class Replay:
    """One driving of a run by one worker. No finished step is carried out again.

    A step whose body ended but was not committed (a crash in between) is carried out once more: bodies with an effect
    outside give it an id made from the run and the step's number.
    """

    def __init__(self, journals: Journals, lease: Lease, finished: Sequence[Step]) -> None:
        self._journals = journals
        self._lease = lease
        self._finished = finished
        self._asked = 0

    async def step(self, name: str, body: Callable[[int], Awaitable[JsonValue]]) -> JsonValue:
        """The result of the run's next step. Raises LeaseLost, JournalDiffers and what `body` raises."""
        self._asked += 1
        number = self._asked
        if number <= len(self._finished):
            return self._recorded(number, name)
        crash_point(f"run.{name}.begun")
        result = await body(number)
        crash_point(f"run.{name}.done")
        await self._journals.append(self._lease, Step(number, name, result))
        crash_point(f"run.{name}.journalled")
        return result

    def _recorded(self, number: int, name: str) -> JsonValue:
        step = self._finished[number - 1]
        if step.name != name:
            raise JournalDiffers(number, step.name, name)
        return step.result
