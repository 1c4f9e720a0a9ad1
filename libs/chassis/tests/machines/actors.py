"""Those who work on the keys: each step of theirs is one random thing to do, by the code of the product."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from chassis.core import Ok, new_id
from chassis.database import driver
from chassis.kafka.applier import Applier
from chassis.kafka.dispatch import Dispatch
from chassis.kafka.resting import Resting
from chassis.kafka.retrier import Retrier
from chassis.operations.dead_letters import Choice, Letter, discard, listed, redrive
from chassis.paging import Page
from chassis.snapshots.applying import Applying
from chassis.snapshots.reading import Reading
from chassis.snapshots.rebuilds import Mode, unfinished

from ..sample.service import SampleTransaction
from ..sample.stage import Stage
from .owner import Capture, Fact, Owner, snapshot
from .reader import NAME, Mood, Reader

_NOTE = "INSERT INTO effects (org_id, consumer, thing_id, name) VALUES ($1, $2, $3::text::uuid, $4)"
_GIVE_UP = "UPDATE dead_letters SET retry_until = now(), retry_at = now() WHERE retry_at IS NOT NULL"
_HAUNT = """
INSERT INTO copies (id, org_id, name) SELECT :id, :org_id, '0'
WHERE NOT EXISTS (SELECT FROM inbox WHERE key = :key) ON CONFLICT DO NOTHING
"""


@dataclass
class Process:
    """A process of the reader: it applies what it is handed, in whatever order, and tries again what is parked.

    The calm key is delivered by one process only, so that nothing of it ever comes too early.
    """

    stage: Stage
    owner: Owner
    reader: Reader
    random: Random
    calm: bool

    def __post_init__(self) -> None:
        parked = asyncio.Event()
        dispatch = Dispatch(self.reader.consumer, self.stage.runner)
        self._applier = Applier(dispatch, parked)
        self._retrier = Retrier([dispatch], self.stage.database, parked, Resting([NAME]))

    async def deliver(self) -> None:
        """A batch: what comes next for some keys, or comes again, or too early; now and then in any order."""
        for _ in range(self.random.randint(0, 3)):
            self.owner.publish()
        if self.random.random() < 0.03:
            self.owner.publish_rubbish()
        troubled = [thing for thing in self.owner.things if thing != self.owner.calm]
        chosen = self.random.sample(troubled, min(len(troubled), self.random.randint(1, 3)))
        batch = [fact for thing in chosen for fact in self._around(thing)]
        if self.random.random() < 0.3:
            self.random.shuffle(batch)
        await self._hand_over(self._between(self._around(self.owner.calm), batch) if self.calm else batch)

    async def try_again(self) -> None:
        """All that is due."""
        await self._retrier._round()

    async def deliver_the_rest(self) -> None:
        """What was never delivered, in order."""
        rest = [fact for fact in self.owner.facts if not self._is_delivered(fact)]
        for begin in range(0, len(rest), 10):
            await self._hand_over(rest[begin : begin + 10])

    def _around(self, thing: UUID) -> list[Fact]:
        """Some facts of a thing one after the other: from the first that was not delivered, or before or after it."""
        facts = [fact for fact in self.owner.facts if fact.thing == thing]
        first = next((index for index, fact in enumerate(facts) if not self._is_delivered(fact)), len(facts))
        begin = max(0, first + self.random.randint(-3, 0 if thing == self.owner.calm else 2))
        return facts[begin : begin + self.random.randint(1, 5)]

    def _between(self, calm: Sequence[Fact], others: Sequence[Fact]) -> list[Fact]:
        """The calm ones in their order, anywhere between the others."""
        merged, waiting = list(others), list(calm)
        for place in sorted(self.random.choices(range(len(others) + 1), k=len(waiting)), reverse=True):
            merged.insert(place, waiting.pop())
        return merged

    def _is_delivered(self, fact: Fact) -> bool:
        return fact.arrival.offset in self.owner.committed

    async def _hand_over(self, batch: Sequence[Fact]) -> None:
        """Its offsets are committed when all of it is done."""
        await self._applier.apply([fact.arrival for fact in batch], catching_up=self.random.random() < 0.4)
        self.owner.committed.update(fact.arrival.offset for fact in batch)


@dataclass
class Weather:
    """Decides what fails, and lets time pass."""

    stage: Stage
    owner: Owner
    reader: Reader
    random: Random

    async def change(self) -> None:
        thing = self.random.choice([*self.owner.things])
        match self.random.choices(("mood", "mend", "later", "long after"), (4, 2, 4, 1))[0]:
            case "mood" if thing != self.owner.calm:
                number = self.owner.things[thing].published + self.random.randint(-2, 2)
                self.reader.moods[thing, number] = self.random.choice([*Mood])
            case "mend":
                for known in [key for key in self.reader.moods if key[0] == thing]:
                    del self.reader.moods[known]
            case "later":
                await self.stage.hurry()
            case "long after":
                await self.stage.execute(_GIVE_UP)


@dataclass
class Operator:
    """A person, over a connection of theirs. A discard is written down in its own transaction."""

    connection: Any
    org_id: UUID
    random: Random

    async def act(self) -> None:
        letters = await self._letters()
        if not letters:
            return
        letter = self.random.choice(letters)
        match self.random.choices(("redrive", "discard", "rest"), (1, 2, 3))[0]:
            case "redrive":
                choices = (Choice(id=letter.id), Choice(consumer=NAME, key=letter.key), Choice())
                await redrive(self.connection, self.random.choice(choices))
            case "discard":
                await self.discard(letter)

    async def redrive_all(self) -> None:
        await redrive(self.connection, Choice())

    async def discard(self, letter: Letter) -> None:
        """Perhaps it is refused."""
        async with self.connection.transaction():
            done = await discard(self.connection, letter.id)
            if isinstance(done, Ok) and letter.sequence is not None:
                entry = (letter.key, f"discarded {letter.sequence}")
                await self.connection.execute(_NOTE, self.org_id, NAME, *entry)

    async def first_poison(self) -> Letter | None:
        """The first event of some parked key."""
        return next((letter for letter in await self._letters() if letter.behind is None), None)

    async def _letters(self) -> Sequence[Letter]:
        return (await listed(self.connection, Choice(), Page(1000))).items


@dataclass
class Rebuilder:
    """Has the owner tell how things stand, and applies that, at once or later."""

    stage: Stage
    owner: Owner
    reader: Reader
    random: Random
    captures: list[Capture] = field(default_factory=list)

    def __post_init__(self) -> None:
        applying = Applying(self.reader.consumer, self.stage.system, SampleTransaction)
        self._reading = Reading(self.stage.system, {NAME: applying})

    async def work(self) -> None:
        match self.random.choices(("capture", "apply", "haunt", "rest"), (3, 2, 1, 4))[0]:
            case "capture":
                self.captures.append(self.owner.capture())
            case "apply" if self.captures:
                mode = self.random.choice([Mode.REBUILD, Mode.REBUILD, Mode.SEED, Mode.CHECK])
                await self.apply(self.random.choice(self.captures[-6:]), mode)
            case "haunt":
                thing = self.random.choice([new_id(), *self.owner.things])
                await self.stage.execute(_HAUNT, id=thing, key=str(thing), org_id=self.stage.org_id)

    async def rebuild(self) -> None:
        """From how things stand now."""
        await self.apply(self.owner.capture(), Mode.REBUILD)

    async def apply(self, capture: Capture, mode: Mode) -> None:
        """One snapshot from its beginning to its end."""
        asked = await self.stage.ask(mode, NAME)
        async with self.stage.system.system_transaction() as connection:
            self._reading.expect(await unfinished(await driver(connection), [NAME]))
        for arrival in snapshot(capture, asked, self.stage.org_id):
            await self._reading.take(arrival)
        ended = await self.stage.until_ended(asked)
        assert ended.error is None
