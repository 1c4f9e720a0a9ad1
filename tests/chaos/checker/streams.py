"""I12, I16: what a client of the live feed saw, over all its connections, is the record, and only what is its own."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ..dumps import Record
from ..history import Line
from .evidence import FEED, Evidence, Violation


@dataclass(frozen=True)
class Place:
    """A position of the feed, read from its text `<cluster>-<partition>-<offset>`."""

    partition: int
    offset: int

    @classmethod
    def of(cls, text: str) -> "Place":
        _, partition, offset = text.split("-", 2)
        return cls(int(partition), int(offset))


def streams_equal_the_record(evidence: Evidence) -> Iterator[Violation]:
    """I12: no gap, order kept, repeats only with the same event id, from the first position that a client was told."""
    wiped = any(fault.op == "wipe" for fault in evidence.faults)
    for name, lines in _streams(evidence).items():
        begun = next((line for line in lines if line.op == "connected"), None)
        if wiped:
            begun, lines = _since_the_last_reset(lines)
        if begun is None:
            yield Violation("I12", f"{name} was never connected")
            continue
        for line in lines:
            if line.op == "reset":
                yield Violation("I12", f"{name} was told to begin anew: {line.value['data']}")
        seen = [(Place.of(line.value["position"]).offset, line.value["id"]) for line in lines if line.op == "event"]
        yield from _out_of_order(name, seen)
        yield from _unlike_the_record(evidence, begun, name, dict(seen))


def _since_the_last_reset(lines: list[Line]) -> tuple[Line | None, list[Line]]:
    """Of what a client saw before the broker lost its data there is no record any more."""
    resets = [number for number, line in enumerate(lines) if line.op == "reset"]
    return (lines[resets[-1]], lines[resets[-1] + 1 :]) if resets else (None, lines)


def _out_of_order(name: str, seen: list[tuple[int, str]]) -> Iterator[Violation]:
    last, at = -1, dict[int, str]()
    for offset, event_id in seen:
        if at.setdefault(offset, event_id) != event_id:
            yield Violation("I12", f"{name} saw two events at one position", (at[offset], event_id))
        if offset < last:
            yield Violation("I12", f"{name} was sent {offset} after {last}", (event_id,))
        last = max(last, offset)


def _unlike_the_record(evidence: Evidence, begun: Line, name: str, seen: dict[int, str]) -> Iterator[Violation]:
    start = Place.of(begun.value["position"])
    person = (begun.value["organisation"], begun.value["user"])
    wanted = {
        record.offset: record.event_id
        for record in evidence.dump.records(FEED)
        if record.partition == start.partition and record.offset > start.offset and _is_for(record, *person)
    }
    for offset in sorted(wanted.keys() - seen.keys()):
        yield Violation("I12", f"{name} was not sent an event", (wanted[offset], f"{FEED}/{start.partition}/{offset}"))
    for offset in sorted(seen.keys() - wanted.keys()):
        what = f"{name} was sent what is not for it, or not in the record"
        yield Violation("I16", what, (seen[offset], f"{FEED}/{start.partition}/{offset}"))


def _is_for(record: Record, organisation: str, user: str) -> bool:
    audience = record.headers["ce_audience"]
    mine = record.headers.get("ce_orgid") == organisation
    return mine and (audience == "org" or user in audience.removeprefix("users:").split(","))


def _streams(evidence: Evidence) -> dict[str, list[Line]]:
    found = defaultdict[str, list[Line]](list)
    for line in evidence.notes:
        if line.process.startswith("feed of "):
            found[line.process].append(line)
    return dict(found)
