"""The model: what must hold of a key at any moment, whoever works on it, in terms of numbers alone.

`log` is what was done to a key, in the order of the commits: each entry is written in the transaction that it tells of,
under the lock of the key's inbox row. "applied 3", "refused 3", "discarded 3": the event with sequence 3 is over and
done with; "captured 5": a snapshot stated all up to sequence 5. "undone 3": what a handler wrote before it failed, and
what nobody must ever see.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Waiting:
    """A dead letter. `sequence`: None for bytes that are no event. `rests`: it is not tried again by itself."""

    sequence: int | None
    error: str
    rests: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at the database showed of a key. `letters`: in the order in which they are tried."""

    key: UUID
    position: int
    log: Sequence[str]
    letters: Sequence[Waiting]
    parked: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """What the owner knows of a key: how many events it has, and the sequence of its deletion."""

    published: int
    deleted_at: int | None


def at_any_moment(seen: Seen, truth: Truth) -> Iterator[str]:
    """What is wrong with a key, although anything may be under way."""
    yield from _order(seen.log)
    end = _end(seen.log)
    if seen.position != end and (seen.position != truth.deleted_at or seen.position < end):
        yield f"the inbox says {seen.position}, but what was done ends at {end}"
    if seen.position > truth.published:
        yield f"the inbox says {seen.position} of {truth.published} events"
    if passed := [one.sequence for one in seen.letters if one.sequence is not None and one.sequence <= seen.position]:
        yield f"{passed} are parked, but the inbox says {seen.position}"
    if seen.parked != bool(seen.letters):
        yield f"the key is {'parked' if seen.parked else 'not parked'} with {len(seen.letters)} dead letters"


def when_quiet(seen: Seen, truth: Truth, own_reasons: Sequence[str]) -> Iterator[str]:
    """When all was delivered and nothing is due: what is left waits for a person, and for a reason of its own."""
    yield from at_any_moment(seen, truth)
    if not seen.letters:
        if seen.position != truth.published:
            yield f"the inbox says {seen.position} of {truth.published} events, and nothing is parked"
        return
    head = seen.letters[0]
    if head.sequence is not None and head.sequence != seen.position + 1:
        yield f"event {seen.position + 1} is neither applied nor parked"
    if not head.error.startswith(tuple(own_reasons)):
        yield f"event {head.sequence} could be applied, but nobody tries it: {head.error}"


def at_the_end(seen: Seen, truth: Truth) -> Iterator[str]:
    """After everything was mended, tried again, or discarded."""
    yield from at_any_moment(seen, truth)
    if seen.letters:
        yield f"{[one.sequence for one in seen.letters]} are still parked"
    if seen.position != truth.published:
        yield f"the inbox says {seen.position} of {truth.published} events"


def copied(seen: Seen) -> int | None:
    """The sequence that the copy of a key states, as long as the key is not deleted; None: there is no copy.

    A copy tells of the last event that was applied; the refused and the discarded leave it as it was.
    """
    told = [number for what, number in map(_parse, seen.log) if what in ("applied", "captured")]
    return told[-1] if told else None


def _order(log: Sequence[str]) -> Iterator[str]:
    position = 0
    for entry in log:
        what, number = _parse(entry)
        follows = number >= position if what == "captured" else number == position + 1
        if not follows or what == "undone":
            yield f"{entry!r} after {position}"
        position = number


def _end(log: Sequence[str]) -> int:
    return _parse(log[-1])[1] if log else 0


def _parse(entry: str) -> tuple[str, int]:
    what, _, number = entry.partition(" ")
    return what, int(number)
