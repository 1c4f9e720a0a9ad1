"""The checker is checked: it finds nothing where all is well, and each way of breaking it under the right name."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.chats.v1 import Author

from .checker.evidence import FEED, Evidence, readers
from .checker.verdict import violations
from .dumps import Record
from .history import NEMESIS, Operation
from .report import way_of
from .small_world import AGENT, CHAT, COMMAND, NOW, ORDER, RUN, USER, World, an_id, good_world, say

Break = Callable[[World], object]


def found_in(world: World) -> set[str]:
    """Invariants that do not hold. The evidence is made anew: its indexes are kept once they are made."""
    evidence = Evidence(world.evidence.operations, world.evidence.notes, world.evidence.dump)
    return {violation.invariant for violation in violations(evidence)}


def test_a_good_run_has_no_violation() -> None:
    assert violations(good_world().evidence) == []


def row(world: World, service: str, table: str, index: int = 0) -> dict[str, object]:
    return world.rows(service, table)[index]


def outbox(world: World, service: str, kind: str) -> dict[str, object]:
    return next(row for row in world.rows(service, "outbox") if dict(row["headers"])["ce_type"] == kind)


def records(world: World, topic: str) -> list[Record]:
    return world.dump.topics[topic]


def again(world: World, topic: str, index: int) -> None:
    """A record stands once more at the end of its topic."""
    one = records(world, topic)[index]
    world.record(topic, one.key, one.headers, one.value)


def edited(world: World, topic: str, index: int, **changes: object) -> None:
    records(world, topic)[index] = replace(records(world, topic)[index], **changes)  # type: ignore[arg-type]


def letter(world: World, **changes: object) -> None:
    place = {"consumer": "agent.chats", "topic": "chats-chats", "key": str(CHAT)}
    told = {"kind": "chats.message-sent", "sequence": 2, "error": "ValueError", "event_id": "1"}
    world.add("agent", "dead_letters", **{**place, **told, "kafka_partition": 0, "kafka_offset": 9} | changes)
    world.add("agent", "parked_keys", **place)


def copy_checked(world: World, *, differing: Sequence[object] = (), error: str | None = None) -> None:
    world.note("runner", "copy", consumer="agent.chats", error=error, differing=list(differing))


def poison(world: World, times: int, value: bytes = b"\xff") -> None:
    world.record("chats-chats", "planted-1", {}, b"\xff")
    offset = len(records(world, "chats-chats")) - 1
    for consumer in sorted(readers()["chats-chats"]):
        for number in range(times):
            told = {"consumer": consumer, "key": "planted-1", "kafka_offset": offset, "value": value}
            letter(world, **told, event_id=f"{consumer} {number}")


def a_second_run(world: World) -> None:
    world.rows("agent", "runs").append({**row(world, "agent", "runs"), "id": str(an_id("other run"))})


LOST: dict[str, Break] = {
    "a message that was accepted has no row": lambda w: w.rows("chats", "messages").pop(0),
    "a row of the outbox was never sent": lambda w: outbox(w, "chats", "chats.chat-opened").update(sent_at=None),
    "a row is marked as sent and is not in the topic": lambda w: records(w, "chats-chats").pop(1),
    "a consumer's inbox is behind": lambda w: w.rows("chats", "inbox")[-1].update(sequence=0),
    "a reply was not applied by the run's service": lambda w: w.rows("agent", "inbox_records").pop(),
    "a public event is not in the feed": lambda w: records(w, FEED).pop(0),
}
PHANTOM: dict[str, Break] = {
    "a record has no row": lambda w: w.rows("modules", "outbox").pop(0),
    "a record has lost a header": lambda w: records(w, "modules-modules")[0].headers.pop("ce_actor"),
    "a record has other bytes than its row": lambda w: edited(w, "modules-modules", 0, value=b"{}"),
    "a record has another key": lambda w: edited(w, "modules-modules", 0, key="other"),
    "a client saw what was never committed": lambda w: w.note(
        "feed of client", "event", position="cluster-0-99", id=str(an_id("nothing"))
    ),
}
TWICE: dict[str, Break] = {
    "a command has two effects": lambda w: w.rows("chats", "messages").append(dict(row(w, "chats", "messages"))),
    "a refused command has an effect": lambda w: w.evidence.operations.__setitem__(
        1, replace(w.evidence.operations[1], outcome="fail", answer={"status": 409})
    ),
    "two answers to one idempotency key": lambda w: w.asked(
        "send-message", ORDER, f"/api/v1/chats/{CHAT}/messages", answer_id="other"
    ),
    "a question started two runs": a_second_run,
    "an answer was recorded twice": lambda w: say(w, 3, "Done.", Author(kind="agent", agent_id=AGENT), RUN),
    "a projection is older than its source": lambda w: row(w, "agent", "modules").update(name="Old"),
    "a projection has a row too many": lambda w: w.add("chats", "agents", id="x", org_id="o", name="n", active=True),
    "an event is parked": letter,
    "a key is parked without a letter": lambda w: w.add(
        "agent", "parked_keys", consumer="agent.chats", topic="chats-chats", key=str(CHAT)
    ),
    "an organisation has two assistants": lambda w: w.rows("agent", "agents").append(
        {**row(w, "agent", "agents"), "id": "x"}
    ),
}
OTHERS: dict[str, tuple[str, Break]] = {
    "a repeat that no fault explains": ("I4", lambda w: again(w, "chats-chats", 0)),
    "a repeat in the feed that no fault explains": ("I4", lambda w: again(w, FEED, 0)),
    "a gap in the outbox": ("I5", lambda w: outbox(w, "agent", "agent.run-started").update(sequence=7)),
    "events of one key stand in another order": ("I5", lambda w: records(w, "agent-runs").reverse()),
    "an inbox is past the last event": ("I5", lambda w: w.rows("chats", "inbox")[-1].update(sequence=9)),
    "state without its event": ("I6", lambda w: row(w, "chats", "chats").update(sequence=4)),
    "an event without its state": ("I6", lambda w: w.rows("modules", "modules").pop()),
    "a message without its event": ("I6", lambda w: w.rows("chats", "outbox").pop()),
    "a version without its event": ("I6", lambda w: w.rows("modules", "module_versions").pop()),
    "poison that nobody parked": ("I7", lambda w: poison(w, 0)),
    "poison that is parked twice": ("I7", lambda w: poison(w, 2)),
    "poison that is kept with other bytes": ("I7", lambda w: poison(w, 1, b"x")),
    "a run that never ends": ("I9", lambda w: row(w, "agent", "runs").update(status="running")),
    "a run whose event tells another end": ("I9", lambda w: row(w, "agent", "runs").update(status="failed")),
    "an ended run that still has a lease": ("I9", lambda w: w.add("agent", "run_leases", run_id=RUN)),
    "an accepted run that does not exist": (
        "I9",
        lambda w: w.asked("act", "x", "/", answer_run_id="x", answer_chat_id="y"),
    ),
    "two results of one step": ("I9", lambda w: w.add("agent", "run_steps", run_id=RUN, number=2, finished_at=NOW)),
    "a tool call with two effects": (
        "I10",
        lambda w: w.rows("modules", "module_versions").append({**row(w, "modules", "module_versions"), "number": 2}),
    ),
    "a refused tool call with an effect": ("I10", lambda w: row(w, "modules", "commands").update(verdict="refused")),
    "a tool call with an effect and no verdict": ("I10", lambda w: w.rows("modules", "commands").pop()),
    "an effect that no run has asked for": ("I10", lambda w: w.rows("agent", "run_commands").pop()),
    "a run that was told another verdict": ("I10", lambda w: row(w, "agent", "run_commands").update(verdict=None)),
    "a step written after the run's end": (
        "I11",
        lambda w: row(w, "agent", "run_steps").update(finished_at=NOW + timedelta(seconds=9)),
    ),
    "a step written under a lease that another has taken over": (
        "I11",
        lambda w: w.add("agent", "lease_watch", run_id=RUN, number=2, written=1, held=2),
    ),
    "a copy that differs from its owner's snapshot": (
        "I19",
        lambda w: copy_checked(w, differing=[CHAT]),
    ),
    "a copy that cannot be checked": (
        "I19",
        lambda w: copy_checked(w, error="no owner"),
    ),
    "a client missed an event": ("I12", lambda w: w.evidence.notes.pop(2)),
    "a client saw events in another order": (
        "I12",
        lambda w: w.evidence.notes.insert(1, w.evidence.notes.pop(3)),
    ),
    "a client was told to begin anew": (
        "I12",
        lambda w: w.note("feed of client", "reset", position="cluster-0-1", data="position-gone"),
    ),
    "not quiet in time": ("I13", lambda w: w.note("runner", "quiet", seconds=20.0, caught_up=16.0, open={})),
    "never quiet": ("I13", lambda w: w.note("runner", "quiet", seconds=60.0, caught_up=1.0, open={"runs": 1})),
    "a process that does not come back": ("I13", lambda w: w.note("nemesis", "unhealed", what="chats crashed")),
    "an answer of 500": ("I15", lambda w: w.asked("send-message", "x", "/", "info", status=500)),
    "a crowd that was answered 500": ("I15", lambda w: harmed(w, "pool", "chats", answers={"503": 19, "500": 1})),
    "a refusal of what is allowed": ("I15", lambda w: w.asked("send-message", "x", "/", "fail", status=403)),
    "an event of another organisation": (
        "I16",
        lambda w: records(w, FEED)[0].headers.update(ce_orgid=str(an_id("others"))),
    ),
    "an event of a chat of others": (
        "I16",
        lambda w: records(w, FEED)[4].headers.update(ce_audience=f"users:{an_id('others')}"),
    ),
    "a revoked token that is accepted": (
        "I16",
        lambda w: w.note("runner", "revoked", service="chats", status=200),
    ),
    "data that breaks the schema": ("I17", lambda w: edited(w, "chats-chats", 0, value=b'{"chat_id": 1}')),
    "a version that nobody knows": (
        "I17",
        lambda w: records(w, "chats-chats")[0].headers.update(ce_dataschema="urn:stoa:schema:chats.chat-opened:9"),
    ),
}
ALL = [
    *(pytest.param("I1", break_it, id=name) for name, break_it in LOST.items()),
    *(pytest.param("I2", break_it, id=name) for name, break_it in PHANTOM.items()),
    *(pytest.param("I3", break_it, id=name) for name, break_it in TWICE.items()),
    *(pytest.param(invariant, break_it, id=name) for name, (invariant, break_it) in OTHERS.items()),
]


@pytest.mark.parametrize(("invariant", "break_it"), ALL)
def test_what_is_broken_is_found(invariant: str, break_it: Break) -> None:
    world = good_world()
    break_it(world)
    assert invariant in found_in(world)


def test_a_repeat_of_something_old_is_a_violation_whatever_was_done() -> None:
    world = good_world()
    harmed(world, "stall", "kafka")
    again(world, FEED, 0)
    assert "I4" not in found_in(world)
    edited(world, FEED, -1, at=61.0)
    assert "I4" in found_in(world)


def harmed(world: World, op: str, target: str, **told: object) -> None:
    fault = Operation(9, NEMESIS, op, {"target": target}, "ok", told, 0.0, 1.0)
    world.evidence.operations.append(fault)


@pytest.mark.parametrize("target", ["chats", "kafka", "postgres"])
def test_a_repeat_after_a_fault_of_its_relay_is_no_violation(target: str) -> None:
    world = good_world()
    harmed(world, "kill", target)
    again(world, "chats-chats", 0)
    assert found_in(world) == set()


def test_a_repeat_after_a_fault_of_another_service_is_one() -> None:
    world = good_world()
    harmed(world, "kill", "modules")
    again(world, "chats-chats", 0)
    assert found_in(world) == {"I4"}


def test_a_client_may_be_told_to_begin_anew_when_the_broker_lost_its_disk_and_misses_nothing_from_then_on() -> None:
    world = good_world()
    harmed(world, "wipe", "kafka")
    seen = [line for line in world.evidence.notes if line.op == "event"]
    world.note("feed of client", "reset", position="another-0--1", data="position-foreign")
    world.evidence.notes.extend(seen)
    assert found_in(world) == set()
    world.evidence.notes.pop()
    assert found_in(world) == {"I12"}


def test_a_crowd_may_be_told_to_come_again() -> None:
    world = good_world()
    harmed(world, "pool", "chats", answers={"503": 18, "200": 1, "ReadTimeout": 1})
    assert found_in(world) == set()


def test_poison_that_is_parked_once_at_each_reader_is_no_violation() -> None:
    world = good_world()
    poison(world, 1)
    world.rows("agent", "parked_keys").clear()
    assert found_in(world) == set()


def test_what_nobody_knows_the_end_of_may_have_an_effect_or_none() -> None:
    world = good_world()
    world.evidence.operations[1] = replace(world.evidence.operations[1], outcome="info", answer={})
    world.asked("send-message", "never arrived", "/", "info")
    assert found_in(world) == set()


def test_a_position_that_is_sent_twice_with_the_same_event_is_no_violation() -> None:
    world = good_world()
    world.evidence.notes.insert(2, world.evidence.notes[1])
    assert found_in(world) == set()


def test_model_calls_may_be_repeated_as_often_as_something_was_harmed() -> None:
    world = good_world()
    world.note("models", "model-calls", repeated={"a": 1 + len(world.evidence.faults)})
    assert found_in(world) == set()
    world.note("models", "model-calls", repeated={"b": 2 + len(world.evidence.faults)})
    assert found_in(world) == {"I10"}


def test_levels_have_to_return() -> None:
    world = good_world()
    world.note("runner", "level", service="chats", connections=10, descriptors=30, threads=5)
    world.note("runner", "level", service="chats", connections=15, descriptors=35, threads=5)
    assert found_in(world) == set()
    world.note("runner", "level", service="chats", connections=45, descriptors=35, threads=5)
    assert found_in(world) == {"I14"}


def test_the_report_shows_the_way_of_an_event() -> None:
    evidence = good_world().evidence
    event_id = evidence.events("chats.chat-opened")[0].event_id
    way = "\n".join(way_of(evidence, event_id))
    for part in ("outbox row", "chats-chats/0/0", "feed/0/", "agent.chats: applied", "feed of client"):
        assert part in way


def test_ids_that_are_no_events_have_no_way() -> None:
    assert way_of(good_world().evidence, str(COMMAND)) == []
    assert way_of(good_world().evidence, str(USER)) == []
