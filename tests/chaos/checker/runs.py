"""I9, I10, I11: a run ends once, a tool call has one effect, a worker without its lease writes nothing."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta

from ..dumps import PLANTED, Row
from .effects import ENDS
from .evidence import Evidence, Violation

TERMINAL = {kind: kind.rpartition("-")[2] for kind in ENDS}
"""By kind of event, the status that a run has after it."""

CLOCKS = timedelta(seconds=1)
"""A row's time is the database's at the beginning of a transaction, a run's end the worker's."""


def each_run_ends_once(evidence: Evidence) -> Iterator[Violation]:
    """I9: each run is in one terminal state, its last event says which, no event follows it, and nobody holds it."""
    runs = {row["id"]: row for row in evidence.dump.rows("agent", "runs")}
    for one in evidence.requests:
        run_id = one.answer.get("answer_run_id")
        if one.outcome == "ok" and one.op == "act" and run_id not in runs:
            yield Violation("I9", "an accepted run does not exist", (str(run_id), str(one.number)))
    kinds = defaultdict[str, list[str]](list)
    for sent in sorted(evidence.outbox, key=lambda sent: sent.sequence or 0):
        if sent.topic == "agent-runs":
            kinds[sent.key].append(sent.kind)
    held = {row["run_id"] for row in evidence.dump.rows("agent", "run_leases")}
    for run_id, run in runs.items():
        if run["status"] not in TERMINAL.values():
            yield Violation("I9", f"a run is {run['status']} for ever", (run_id,))
            continue
        ends = [TERMINAL[kind] for kind in kinds[run_id] if kind in TERMINAL]
        if ends != [run["status"]] or kinds[run_id][-1] not in TERMINAL:
            yield Violation("I9", f"a {run['status']} run has the events {kinds[run_id]}", (run_id,))
        if run_id in held:
            yield Violation("I9", "a run that has ended still stands in the workers' queue", (run_id,))


def steps_without_gap(evidence: Evidence) -> Iterator[Violation]:
    """I9: the journal of a run is 1, 2, 3, …, one result each."""
    numbers = defaultdict[str, list[int]](list)
    for row in evidence.dump.rows("agent", "run_steps"):
        numbers[row["run_id"]].append(row["number"])
    for run_id, found in numbers.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            yield Violation("I9", f"the journal has the steps {sorted(found)}", (run_id,))


def one_effect_per_tool_call(evidence: Evidence) -> Iterator[Violation]:
    """I10: one version of a module for each command that was carried out, none for one that was refused; sender and
    receiver tell the same of it."""
    effects = Counter(row["tool_call"] for row in evidence.dump.rows("modules", "module_versions") if row["tool_call"])
    settled = {row["id"]: row for row in evidence.dump.rows("modules", "commands")}
    asked = {row["id"]: row for row in evidence.dump.rows("agent", "run_commands")}
    for command_id in effects.keys() - asked.keys():
        yield Violation("I10", "a tool call that no run has made has an effect", (command_id,))
    for command_id, row in settled.items():
        wanted = 1 if row["verdict"] == "completed" else 0
        if effects[command_id] != wanted:
            what = f"a tool call that was {row['verdict']} has {effects[command_id]} effects"
            yield Violation("I10", what, (command_id,))
        if not str(row["id"]).startswith(PLANTED) and command_id in asked:
            yield from _told_otherwise(asked[command_id], row)
    for command_id, row in asked.items():
        if command_id not in settled and (effects[command_id] or row["verdict"] == "completed"):
            yield Violation("I10", "a tool call has an effect and no verdict", (command_id, row["run_id"]))


def _told_otherwise(asked: Row, settled: Row) -> Iterator[Violation]:
    if asked["verdict"] != settled["verdict"]:
        what = f"a tool call was {settled['verdict']}, its run was told {asked['verdict']}"
        yield Violation("I10", what, (asked["id"], asked["run_id"]))


def model_calls_repeated(evidence: Evidence) -> Iterator[Violation]:
    """I10: the note `model-calls` holds the answers that models gave more than once: each at most once more for every
    fault, since a fault can take a run from its worker once."""
    for line in evidence.notes:
        if line.op == "model-calls":
            for digest, count in line.value["repeated"].items():
                if count - 1 > len(evidence.faults):
                    what = f"a model gave one answer {count} times, after {len(evidence.faults)} faults"
                    yield Violation("I10", what, (digest,))


def nothing_written_without_a_lease(evidence: Evidence) -> Iterator[Violation]:
    """I11: nothing of a run is written after its end, when no lease of it is left, and no step under an older lease
    than the run's."""
    for row in evidence.dump.rows("agent", "lease_watch"):
        if row["written"] != row["held"]:
            what = f"step {row['number']} was written under lease {row['written']}, when {row['held']} was the run's"
            yield Violation("I11", what, (row["run_id"],))
    ended = {row["id"]: row["ended_at"] for row in evidence.dump.rows("agent", "runs")}
    for table, column in (("run_steps", "finished_at"), ("run_commands", "sent_at")):
        for row in evidence.dump.rows("agent", table):
            end = ended.get(row["run_id"])
            if end is not None and row[column] > end + CLOCKS:
                yield Violation("I11", f"{table} was written {row[column] - end} after the run's end", (row["run_id"],))
