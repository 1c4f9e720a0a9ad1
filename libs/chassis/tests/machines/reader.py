"""The reader of things: a consumer that keeps copies and writes down what it does, if its moods let it."""

from collections import defaultdict
from enum import Enum
from typing import Any
from uuid import UUID

from chassis.core import Err, Failure, NotYet, Ok, Outcome
from chassis.kafka.consumer import Consumer, on, projection

from ..sample.copies import PUT
from ..sample.events import THINGS, ThingMade, ThingRenamed, ThingState
from ..sample.service import NameIsTaboo, SampleTransaction
from .owner import ThingScrapped

NAME = "sample.copies"
OWN_REASONS = ("BadData", "'ce_id' must be", "ValueError: a bug", "waits for better weather")
"""How the errors of events begin that are parked for their own sake, and not for their place in the order."""

_FORGET = "DELETE FROM copies WHERE id = $1"


class Mood(Enum):
    """What becomes of an event when it is handled."""

    FINE = "fine"
    REFUSES = "refuses"
    FAILS = "fails"
    NOT_YET = "not yet"


class Reader:
    """`moods`: by thing and sequence. All that a handler writes before it fails has to go with its failure."""

    def __init__(self) -> None:
        self.moods: dict[tuple[UUID, int], Mood] = defaultdict(lambda: Mood.FINE)

    @property
    def consumer(self) -> Consumer[SampleTransaction]:
        return Consumer(
            NAME,
            [on(kind, self.hear, refuse=self.refuse) for kind in (ThingMade, ThingRenamed, ThingScrapped)],
            projects=projection(THINGS, ThingState, self.project, table="copies"),
        )

    async def hear(self, tx: SampleTransaction, event: Any) -> Outcome:
        mood = self.moods[event.thing_id, int(event.name)]
        await tx.note(NAME, event.thing_id, f"{'applied' if mood is Mood.FINE else 'undone'} {event.name}")
        if isinstance(event, ThingScrapped):
            tx.work.put(_FORGET, event.thing_id)
        else:
            tx.work.put(PUT, event.thing_id, tx.context.organisation, event.name)
        return _answer(mood)

    async def refuse(self, tx: SampleTransaction, event: Any, _: Failure) -> None:
        await tx.note(NAME, event.thing_id, f"refused {event.name}")

    async def project(self, tx: SampleTransaction, state: ThingState) -> Outcome:
        await tx.note(NAME, state.thing_id, f"captured {state.name}")
        tx.work.put(PUT, state.thing_id, tx.context.organisation, state.name)
        return Ok(None)


def _answer(mood: Mood) -> Outcome:
    match mood:
        case Mood.FAILS:
            raise ValueError("a bug")
        case Mood.NOT_YET:
            return NotYet("better weather")
        case Mood.REFUSES:
            return Err(NameIsTaboo())
        case Mood.FINE:
            return Ok(None)
