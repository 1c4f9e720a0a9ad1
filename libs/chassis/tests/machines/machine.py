"""The machine: several of each kind work on the same few keys at once, all of them at random, from one seed.

Two processes apply and try again, each over connections of its own; an operator redrives and discards; a rebuilder
applies snapshots, old and new; and the weather decides which events fail, and lets time pass. They go in rounds: in
each all take a step at the same time while somebody looks on. In the end everything is mended, and what is left has to
be what the model says.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from random import Random

from chassis.database import is_passing

from ..sample.stage import Stage
from . import model
from .actors import Operator, Process, Rebuilder, Weather
from .looking import look
from .owner import Owner
from .reader import NAME, OWN_REASONS, Reader

_ROUNDS = 30
_MOST_TRIES = 100


Step = Callable[[], Awaitable[None]]


class Violation(Exception):
    """What must hold does not."""


class Machine:
    """One run over `stage`, a sample service that needs no broker."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage, self._seed = stage, seed
        self._random = self._some("machine")
        self._owner, self._reader = Owner(stage.org_id, self._some("owner")), Reader()
        common = (self._owner, self._reader)
        self._processes = [
            Process(Stage(stage.environment, stage.org_id), *common, self._some(name), calm=name == "one")
            for name in ("one", "other")
        ]
        self._weather = Weather(stage, *common, self._some("weather"))
        self._rebuilder = Rebuilder(stage, *common, self._some("rebuilder"))

    def _some(self, name: str) -> Random:
        return Random(f"{self._seed} {name}")

    async def run(self) -> None:
        """Raises Violation as soon as something is wrong."""
        async with AsyncExitStack() as open_:
            for process in self._processes:
                open_.push_async_callback(process.stage.close)
            connection = await open_.enter_async_context(self._stage.raw())
            operator = Operator(connection, self._stage.org_id, self._some("operator"))
            steps = [step for process in self._processes for step in (process.deliver, process.try_again)]
            steps += [self._weather.change, self._rebuilder.work, operator.act]
            for _ in range(_ROUNDS):
                await asyncio.gather(*map(self._take, steps), self._require(model.at_any_moment))
                await self._require(model.at_any_moment)
            await self._mend(operator)

    async def _take(self, step: Step) -> None:
        """One step, begun a little sooner or later than those of the others."""
        for _ in range(self._random.randint(0, 30)):
            await asyncio.sleep(0)
        await passing(step)

    async def _mend(self, operator: Operator) -> None:
        """Better weather; then all that was published is delivered, and a person deals with what is left."""
        self._reader.moods.clear()
        await self._processes[0].deliver_the_rest()
        await self._until_quiet()
        await self._require(lambda seen, truth: model.when_quiet(seen, truth, OWN_REASONS))
        await operator.redrive_all()
        await self._until_quiet()
        while head := await operator.first_poison():
            await operator.discard(head)
            await self._until_quiet()
        await self._require(model.at_the_end)
        await self._require_copies(rebuilt=False)
        await self._rebuilder.rebuild()
        await self._require_copies(rebuilt=True)

    async def _until_quiet(self) -> None:
        """Lets time pass until nothing is due any more."""
        for _ in range(_MOST_TRIES):
            await self._stage.hurry()
            if not await self._stage.rows("SELECT 1 FROM dead_letters WHERE retry_at IS NOT NULL"):
                return
            for process in self._processes:
                await passing(process.try_again)
        raise Violation(f"seed {self._seed}: tried for ever: {await self._stage.letters(NAME)}")

    async def _require(self, law: Callable[[model.Seen, model.Truth], Iterator[str]]) -> None:
        seen = await look(self._stage, list(self._owner.things))
        for thing, one in seen.items():
            for wrong in law(one, self._owner.things[thing]):
                raise Violation(f"seed {self._seed}: {wrong}: {one}")
            if thing == self._owner.calm and one.parked:
                raise Violation(f"seed {self._seed}: nothing is wrong with the key, but it is parked: {one}")

    async def _require_copies(self, *, rebuilt: bool) -> None:
        """Rebuilt, the copies are what the owner has; before that, what was applied last."""
        seen = await look(self._stage, list(self._owner.things))
        living = {thing: one for thing, one in self._owner.things.items() if one.deleted_at is None and one.published}
        told = {thing: one.published if rebuilt else model.copied(seen[thing]) for thing, one in living.items()}
        copies = {thing: int(name) for thing, name in (await self._stage.copies()).items()}
        found = {thing: copies.get(thing) for thing in (copies if rebuilt else living)}
        if found != told:
            raise Violation(f"seed {self._seed}: the copies are {found}, not {told}: {seen}")


async def passing(step: Step) -> None:
    """One step; what a service would wait for and try again may happen in it."""
    try:
        await step()
    except Exception as error:
        if not is_passing(error):
            raise
