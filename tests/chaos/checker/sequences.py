"""I4, I5, I6: numbers without a gap, state and events together, repeats only where a fault explains them."""

from collections import defaultdict
from collections.abc import Iterator

from ..dumps import PLANTED, Record, Row
from .evidence import AGGREGATES, FEED, Evidence, Violation, readers

MOST_OF_A_BATCH = 500
"""So many rows a relay or the feed worker sends at most before it notes that they were sent."""

LATE_S = 60.0
"""Longer than any freeze with its recovery."""

PASSED_OVER = "passed-over"
"""In the key of a planted record that no reader parks: of a kind that nobody knows."""

OF_ALL = ("kafka", "postgres", "backends", "anybody")
"""Targets of faults that may make every relay send a batch again."""

STATES = {
    ("auth", "auth-users"): ("users", "id"),
    ("auth", "auth-organisations"): ("organisations", "org_id"),
    ("auth", "auth-memberships"): ("organisation_members", "id"),
    ("modules", "modules-modules"): ("modules", "id"),
    ("chats", "chats-chats"): ("chats", "id"),
    ("agent", "agent-agents"): ("agents", "id"),
    ("agent", "agent-runs"): ("runs", "id"),
}
"""By service and topic: the table of the aggregates whose events stand there, and the column of their ids."""


def no_unexplained_repeats(evidence: Evidence) -> Iterator[Violation]:
    """I4: a relay sends again only after a crash, a freeze or a lost connection, at most one batch for each; what the
    feed has twice comes from repeats in its sources or from the same faults of the gateway."""
    repeats = defaultdict[str, list[Record]](list)
    for event_id, records in evidence.records.items():
        service = evidence.sent[event_id].service if event_id in evidence.sent else "nobody"
        repeats[service] += records[1:]
    for event_id, records in evidence.fed.items():
        repeats["gateway"] += records[len(evidence.records.get(event_id, [None])) :]
    for service, again in repeats.items():
        blamed = [{fault.given.get("target"), fault.answer.get("producer")} for fault in evidence.faults]
        faults = sum(not targets.isdisjoint((service, *OF_ALL)) for targets in blamed)
        if len(again) > MOST_OF_A_BATCH * faults:
            what = f"{service} sent {len(again)} events again, after {faults} faults"
            yield Violation("I4", what, tuple(record.position for record in again[:5]))


def no_late_repeats(evidence: Evidence) -> Iterator[Violation]:
    """I4: what a crash or a freeze makes somebody send again was sent a moment before, unless a group was set back or
    the nemesis itself has sent it."""
    set_back = any(fault.answer.get("group") == "gateway.feed" for fault in evidence.faults)
    again = {fault.answer.get("producer") for fault in evidence.faults if fault.op == "repeat"}
    for event_id, records in evidence.records.items():
        if event_id in evidence.sent and evidence.sent[event_id].service not in again:
            yield from _late("its relay", records)
        if not set_back and len(records) == 1:
            yield from _late("the feed worker", evidence.fed.get(event_id, []))


def _late(who: str, records: list[Record]) -> Iterator[Violation]:
    if records and records[-1].at - records[0].at > LATE_S:
        seconds = records[-1].at - records[0].at
        places = (records[0].position, records[-1].position)
        yield Violation("I4", f"{who} sent an event again after {seconds:.0f} s", (records[0].event_id, *places))


def sequences_without_gap(evidence: Evidence) -> Iterator[Violation]:
    """I5: per aggregate the outbox and the first appearances in the topic go +1, +1, …; so do the ids of its rows."""
    rows, seen = defaultdict[tuple[str, str], list[int]](list), defaultdict[tuple[str, str], list[int]](list)
    for one in evidence.outbox:
        if one.topic in AGGREGATES:
            rows[one.topic, one.key].append(one.sequence or 0)
    for topic in sorted(AGGREGATES):
        for record in evidence.dump.records(topic):
            if record.sequence not in seen[topic, record.key]:
                seen[topic, record.key].append(record.sequence or 0)
    for place, found in (("the outbox", rows), ("the topic", seen)):
        for (topic, key), numbers in found.items():
            if numbers != list(range(1, len(numbers) + 1)):
                yield Violation("I5", f"the sequence of {topic} in {place} is {_short(numbers)}", (key,))


def applied_up_to_the_end(evidence: Evidence) -> Iterator[Violation]:
    """I5: no consumer is past the last event of an aggregate, or knows one that there is not."""
    last = defaultdict[tuple[str, str], int](int)
    for one in evidence.outbox:
        last[one.topic, one.key] = max(last[one.topic, one.key], one.sequence or 0)
    for (consumer, topic, key), sequence in evidence.inbox.items():
        if sequence > last[topic, key] and not key.startswith(PLANTED):
            yield Violation("I5", f"{consumer} is at {sequence} of {topic}, which ends at {last[topic, key]}", (key,))


def state_and_events_together(evidence: Evidence) -> Iterator[Violation]:
    """I6: the number in each aggregate's row is that of its last event."""
    last = defaultdict[tuple[str, str, str], int](int)
    for one in evidence.outbox:
        if one.topic in AGGREGATES:
            place = (one.service, one.topic, one.key)
            last[place] = max(last[place], one.sequence or 0)
    for (service, topic), (table, column) in STATES.items():
        rows: dict[str, Row] = {row[column]: row for row in evidence.dump.rows(service, table)}
        keys = {key for of, about, key in last if (of, about) == (service, topic)}
        for key in sorted(keys | rows.keys()):
            in_row, in_events = rows[key]["sequence"] if key in rows else 0, last[service, topic, key]
            if in_row != in_events:
                what = f"{service}.{table} is at {in_row}, its last event in {topic} is {in_events}"
                yield Violation("I6", what, (key,))


def nothing_parked(evidence: Evidence) -> Iterator[Violation]:
    """I3: only what the nemesis planted waits for a person; no key stays closed without a letter."""
    for row in evidence.dead_letters:
        if not str(row["key"]).startswith(PLANTED) or PASSED_OVER in row["key"]:
            what = f"{row['consumer']} has parked {row['kind']} {row['sequence'] or ''}: {row['error']}"
            yield Violation("I3", what, (row["event_id"], row["key"]))
    letters = {(row["consumer"], row["topic"], row["key"]) for row in evidence.dead_letters}
    for tables in evidence.dump.tables.values():
        for row in tables.get("parked_keys", []):
            if (row["consumer"], row["topic"], row["key"]) not in letters:
                yield Violation("I3", f"{row['consumer']} keeps an empty key of {row['topic']} parked", (row["key"],))


def poison_parked_once(evidence: Evidence) -> Iterator[Violation]:
    """I7: each planted record that is poison lies aside at each reader, once, as it came."""
    places = {(record.topic, record.partition, record.offset): record for record in _planted(evidence)}
    letters = defaultdict[tuple[str, str, int, int], list[Row]](list)
    for row in evidence.dead_letters:
        letters[row["consumer"], row["topic"], row["kafka_partition"], row["kafka_offset"]].append(row)
    for place, record in places.items():
        for consumer in sorted(readers().get(record.topic, ())):
            found = letters[(consumer, *place)]
            if len(found) != 1:
                what = f"{consumer} has parked a poison record {len(found)} times"
                yield Violation("I7", what, (record.position, record.key))
            elif bytes(found[0]["value"] or b"") != record.value or not found[0]["error"]:
                yield Violation("I7", f"{consumer} keeps other bytes than came", (record.position, record.key))


def _planted(evidence: Evidence) -> list[Record]:
    return [
        record
        for topic, records in evidence.dump.topics.items()
        if topic != FEED
        for record in records
        if record.is_planted and PASSED_OVER not in record.key
    ]


def _short(numbers: list[int]) -> str:
    return str(numbers) if len(numbers) < 20 else f"{numbers[:10]} … {numbers[-5:]}"
